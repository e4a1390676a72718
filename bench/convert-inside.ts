/**
 * Converts a lab of real nodes in the product's own order, or in the same order without gates; runs inside the lab's network namespace:
 * convert-inside.ts LAB gates|bare. It prints one JSON line, `Converted`.
 */
import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { openSession } from '@quorate/coordinator/open-session'
import { startConversion } from '@quorate/coordinator/runs/convert'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { Lab } from '../lab/real/lab.js'

export interface Converted {
  /** From the first event to the end, without the plan; without gates, to the end of the manual script. */
  readonly ms: number
  readonly outcome: string
  readonly error?: string
  /** Run ID. */
  readonly run: string
}

/** It trusts the result of each operation: no proof before a step, no gate after it. */
function withoutGates({ before: _before, ...step }: ConversionStep): ConversionStep {
  return { ...step, verify: async () => [] }
}

/** The manual script (by-hand.sh) ends with this too: a conversion is over only when its Nodes are Ready. */
async function asByHand(lab: Lab): Promise<void> {
  const kubectl = (...args: string[]) => lab.node('cp1').must(['kubectl', ...args, '--timeout=120s'])
  await kubectl('-n', 'kube-system', 'rollout', 'status', 'daemonset/kube-proxy')
  await kubectl('-n', 'kube-system', 'rollout', 'status', 'deployment/coredns')
  await kubectl('wait', '--for=condition=Ready', 'nodes', '--all')
}

const [, , name = '', mode = ''] = process.argv
const lab = Lab.open(name)
const session = await openSession(lab.stateFolder)
const { file, text } = await readClusterFile(lab.clusterFile)
const order = mode === 'bare' ? conversionOrder.map(withoutGates) : conversionOrder
const approved = await planConversion(session, file)
const started = Date.now()
const { id, ended } = await startConversion({ ...session, order }, { file, fileText: text, approved })
const { outcome, error } = await ended
if (mode === 'bare') await asByHand(lab)
const converted: Converted = {
  ...{ ms: Date.now() - started, outcome, run: id },
  ...(error === undefined ? {} : { error: error.message }),
}
console.log(JSON.stringify(converted))
