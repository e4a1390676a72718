import { QuorateError } from '@quorate/shared/errors'
import { OperationResult, type TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { removing } from '@quorate/shared/operations'
import type { ConversionRun } from '../conversion/context/run.js'
import { nodeOf } from '../conversion/endpoint/servers.js'
import { readClusterFacts, readNodeFacts } from '../conversion/facts/read-facts.js'
import { recoverJoin } from '../conversion/joining/recover-join.js'
import type { Interrupted, Judge } from '../engine/operations.js'
import type { Action } from '../engine/step.js'

/**
 * Handles an operation with an unknown outcome. A join is never started a second time: the member list decides. Every other operation checks before
 * it acts and refuses what differs from the plan, so it can be sent again under another id.
 */
export const judgeUnknownOutcome: Judge<ConversionRun> = async (run, interrupted, { call, again }) => {
  const { method, node, evidence, action } = interrupted
  if (method === 'joinControlPlane') {
    const why = new QuorateError('STEP_FAILED', `the join was interrupted: ${inWords(interrupted)}`, {
      where: node,
      remedy: `It was rolled back. \`quorate resume ${run.id}\` joins the node again, \`quorate rollback ${run.id}\` undoes the run.`,
    })
    return recoverJoin(run, nodeOf(run, node), { call, why })
  }
  if (removing.some((one) => one === method) && evidence.facts['done'] === 'yes')
    return OperationResult.fromPartial({ unchanged: true, summary: `${method} had finished, according to the node` })
  const result = await again()
  return result.touched.length > 0
    ? result
    : { ...result, touched: await touchedNow(run, action, { node, facts: evidence.facts }) }
}

function inWords({ method, evidence }: Interrupted): string {
  const facts = Object.entries(evidence.facts).map(([name, value]) => `${name} ${value}`)
  return [`${method}, unit ${evidence.unitState}`, ...facts].join(', ')
}

/**
 * The files and objects of an action as they are now, by the names of its diffs: what an operation without a recorded result left behind. Hashes
 * that facts do not include come from the operation's evidence (`path: sha256`); the rest is left out.
 */
export async function touchedNow(
  run: ConversionRun,
  action: Action,
  { node, facts }: { node: string; facts: Readonly<Record<string, string>> },
): Promise<TouchedObject[]> {
  const names = action.diffs.map(({ name }) => (name.startsWith(`${node}:`) ? name.slice(node.length + 1) : name))
  const told = Object.entries(facts).filter(([name, value]) => name.startsWith('/') && /^[0-9a-f]{64}$/.test(value))
  const hashes = new Map([...(await hashesNow(run, node, names)), ...told])
  return [...hashes.keys()].flatMap((name) => {
    const sha256After = hashes.get(name)
    return sha256After === undefined ? [] : [{ name, sha256Before: '', sha256After }]
  })
}

/** sha256 of files and objects of a node from its facts: kubeconfigs, /etc/hosts, load balancer configuration, ConfigMaps. */
export async function hashesNow(
  run: ConversionRun,
  node: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const [facts, cluster] = await Promise.all([
    names.some((name) => name.startsWith('/')) ? readNodeFacts(run, nodeOf(run, node)) : undefined,
    names.some((name) => name.startsWith('configmap/')) ? readClusterFacts(run) : undefined,
  ])
  const known = new Map<string, string>()
  for (const [path, sha256] of Object.entries(facts?.fileHashes ?? {})) known.set(path, sha256)
  for (const { path, sha256 } of facts?.kubeconfigs ?? []) known.set(path, sha256)
  for (const [path, text] of Object.entries(facts?.loadBalancerConfigs ?? {})) known.set(path, sha256Hex(text))
  if (facts !== undefined) known.set('/etc/hosts', sha256Hex(facts.hostsFile))
  if (cluster?.kubeadmConfig) known.set('configmap/kube-system/kubeadm-config', cluster.kubeadmConfig.sha256)
  if (cluster?.clusterInfo) known.set('configmap/kube-public/cluster-info', cluster.clusterInfo.sha256)
  if (cluster?.kubeProxy) known.set('configmap/kube-system/kube-proxy', cluster.kubeProxy.sha256)
  return new Map([...known].filter(([name]) => names.includes(name)))
}
