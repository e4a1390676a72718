import { joinerFindings } from '../alike/joiner-findings.js'
import { differencesOf } from '../alike/nodes.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'control-planes-alike'

/**
 * kubeadm makes a joiner's manifests from kubeadm-config and its patches: manual edits of the manifests on the first control plane are lost there, and one
 * cluster has two behaviours (kubernetes#102715, kubeadm#2735). Compared by value, and with each other those that are there.
 */
export const controlPlanesAlike: Check = {
  id,
  title: 'Existing and joining control planes have the same flags, images, files and kubelet configuration',
  async check(run) {
    const joining = await toJoin(run)
    return [...(joining.length === 0 ? [] : await joinerFindings(run)), ...(await betweenThem(run, joining))]
  },
}

async function betweenThem(
  run: ConversionRun,
  joining: readonly ConversionRun['first'][],
): Promise<readonly Finding[]> {
  const reference = { node: run.first, facts: await run.nodeFacts(run.first) }
  const others = run.joining.filter((node) => !joining.includes(node))
  const found = await Promise.all(
    others.map(async (node) => differencesOf(run, { node, facts: await run.nodeFacts(node) }, reference)),
  )
  return found.flat()
}
