import { etcdPeerUrl } from '@quorate/shared/etcd-listen'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import { elected, leads } from '../clients/elected.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { nodeOf } from '../endpoint/servers.js'
import { memberOf } from '../etcd/members.js'
import { shutPorts } from '../etcd/shut-ports.js'
import { patience } from '../facts/patience.js'
import { readEtcd, readNodeFacts } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { putBack } from '../undo/put-back.js'

/** On real 1.30.4 etcd restarts after 46 s, and the API server answers a minute or two after the change. */
const outageSeconds = 120

export const letEtcdListen = defineStep({
  id: 'let-etcd-listen',
  title: "Make etcd listen on the node's address, if it listens on localhost only and the cluster file asks for it",
  gate: "The manifest has the node's address for clients and peers; the member list has the same peer URL; the member reports its status; the API server is ready; controller-manager and scheduler hold their Leases.",
  undo: 'The old peer URL, manifest and certificates are restored; etcd restarts again.',
  width: 1,
  outage: 'etcd has one member and restarts',
  seconds: 90,
  foreseen: [
    { asks: 'etcd and the API server after one restart', checks: ['etcd-addresses', 'etcd-health', 'planned-outage'] },
    { asks: 'Leases that advance', checks: ['leases'], stays: ['leases'] },
  ],
  async plan(run) {
    const { first } = run
    if (!run.file.policy.letEtcdListen || !(await run.etcdTopology()).homes().includes(first)) return []
    const shut = shutPorts(first, await run.nodeFacts(first))
    const member = memberOf((await run.etcd()).members, first)
    const isKnown = member?.peerUrls.includes(etcdPeerUrl(first.address)) === true
    if (shut.length === 0 && isKnown) return []
    const does = `make etcd listen on ${first.address} and set its peer URL to it; etcd restarts, and the API has no etcd for a minute or two`
    return [{ id: first.name, node: first.name, does, diffs: [], outageSeconds }]
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    await run.agent(node).change('letEtcdListen', { address: node.address }, call, 'listen')
    const memberId = await memberAfterRestart(run, node, call.signal)
    const peerUrls = [etcdPeerUrl(node.address)]
    await run.agent(node).change('updateEtcdMember', { memberId, peerUrls }, call, 'update-member')
  },
  verify: (run, action, signal) => works(run, nodeOf(run, action.node), { signal, listens: true }),
  async rollback(run, done, call) {
    const updated = done.results.find(({ label }) => label === 'update-member')
    const { member_id: memberId = '', previous_peer_urls: previous = '' } = updated?.result.facts ?? {}
    if (memberId !== '' && previous !== '') {
      const request = { memberId, peerUrls: previous.split(',') }
      await run.agent(done.action.node).change('updateEtcdMember', request, call, 'undo-member')
    }
    await putBack(run, done, call)
  },
  undone: (run, done, signal) => works(run, nodeOf(run, done.action.node), { signal, listens: false }),
})

/** It has just restarted: polls until the member list has it. */
function memberAfterRestart(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<string> {
  const look = async (): Promise<Look<string>> => {
    const member = memberOf((await readEtcd(run, signal)).members, node)
    return member === undefined ? notYet('the member list does not have it') : holds(member.id)
  }
  return until(`etcd of ${node.name} to answer`, look, patience(signal))
}

interface Wanted {
  readonly signal: AbortSignal
  /** On the node's address too. */
  readonly listens: boolean
}

/** etcd and the API server answer; both need some seconds after the restart. */
async function works(run: ConversionRun, node: NodeEntry, { signal, listens }: Wanted): Promise<readonly Evidence[]> {
  const look = async (): Promise<Look<readonly Evidence[]>> => {
    const facts = await readNodeFacts(run, node, signal)
    const shut = shutPorts(node, facts)
    if (listens && shut.length > 0) return notYet(`etcd listens at ${shut.map(({ urls }) => urls).join(', ')}`)
    const member = memberOf((await readEtcd(run, signal)).members, node)
    if (member?.status === undefined) return notYet('the member does not report its status')
    const port = apiServerPort(facts)
    // Not earlier: the API server reports what counts as ready, and it may have no etcd yet.
    const statuses = await readyStatuses(run)
    const problem = problemOf(await probeFrom(run, node, { host: node.address, port, signal }), statuses)
    if (problem !== undefined) return notYet(`the API server: ${problem}`)
    return holds([
      {
        what: `etcd member of ${node.name}`,
        saw: `known by ${member.peerUrls.join(', ')}, answers in ${member.status.latencyMs} ms`,
      },
      { what: `https://${node.address}:${port}/readyz`, saw: 'ready' },
    ])
  }
  // A component without the API for longer than its Lease exits, and the kubelet restarts it.
  const answering = await until('etcd and the API server to answer', look, patience(signal, 180))
  return [...answering, ...(await Promise.all(Object.values(elected).map((one) => leads(run, one.lease, signal))))]
}
