/**
 * Converts a lab of real nodes by the product's own order, or by the same without any gate; runs inside the lab's network namespace:
 * convert-inside.ts LAB gates|bare. What it prints is one JSON line, `Converted`.
 */
import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { openSession } from '@quorate/coordinator/open-session'
import { startConversion } from '@quorate/coordinator/runs/convert'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { Lab } from '../lab/real/lab.js'

export interface Converted {
  /** From the first event to the end, without the plan before it; without gates, to where the script by hand ends. */
  readonly ms: number
  readonly outcome: string
  readonly error?: string
  /** Name of the run. */
  readonly run: string
}

/** It believes what an operation says of itself: nothing is proved before a step, and nothing seen after it. */
function withoutGates({ before: _before, ...step }: ConversionStep): ConversionStep {
  return { ...step, verify: async () => [] }
}

/** What the script by hand ends with too (by-hand.sh): a conversion is not over before its Nodes are Ready, whoever made it. */
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
