import { forecastQuorum } from '@quorate/shared/etcd-quorum'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { EtcdFacts } from '../context/etcd-facts.js'
import type { EtcdTopology, Lacking, Leaving, LeavingForecast, Shortcoming } from '../context/etcd-topology.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { readEtcd } from '../facts/read-facts.js'
import { learnsFirst } from './learner-mode.js'
import { memberOf } from './members.js'
import { settleMember } from './settle-member.js'

const remedy = 'See docs/runbook.md#etcd before doing anything to its members.'

/** Each control plane has a member of its own, in a static pod: a join adds a voter, a control plane that leaves takes its vote with it. */
export const stacked = (run: ConversionRun): EtcdTopology => ({
  ports: [2379, 2380],
  outside: [],
  homes: () => run.controlPlanes,
  expects: (member) => run.controlPlanes.some((node) => memberOf([member], node) !== undefined),
  inconvertible: () => inconvertible(run),
  notRedundant: async () => [],
  lacking: (etcd) => lacking(run, etcd),
  isMember: async (node) => (await run.etcd()).members.some(({ name, learner }) => name === node.name && !learner),
  serves: (node, signal) => serves(run, node, signal),
  // etcd lets one learner in at a time and kubeadm waits for its turn: overlapped joins are faster and have two voters for a shorter time.
  joinsAtOnce: async () => ((await learnsFirst(run)) ? 2 : 1),
  noWayBack: ({ name }) =>
    `Once ${name} has a vote in etcd it must not die while there are exactly two voters: then etcd has no quorum and only docs/runbook.md#quorum leads back. With the third vote that is over.`,
  settleJoin: (node, broken) => settleMember(run, node, broken),
  leave: (node, leaving) => leave(run, node, leaving),
  forecastLeaving: (nodes) => forecastLeaving(run, nodes),
  hasLeft: (node, signal) => hasLeft(run, node, signal),
})

async function inconvertible(run: ConversionRun): Promise<readonly Shortcoming[]> {
  const etcd = (await clusterConfiguration(run))?.etcd
  if (etcd?.kind !== 'external') return []
  return [
    {
      message:
        'kubeadm-config has an external etcd, and the API server uses whatever runs on its own machine: a joined one would not reach it',
      evidence: `etcd.external.endpoints of kubeadm-config: ${etcd.endpoints.join(', ') || '(none)'}`,
      remedy:
        "If an etcd without kubeadm runs there: let it listen on the machine's address, with that address in its server certificate, and name it in etcd.external.endpoints and in --etcd-servers. Else write under etcd what is so: local.",
    },
  ]
}

function lacking(run: ConversionRun, { members }: EtcdFacts): readonly Lacking[] {
  const without = run.controlPlanes.filter((node) => memberOf(members, node) === undefined)
  const voters = members.filter(({ learner }) => !learner)
  const names = (some: readonly EtcdMember[]) => some.map(({ name }) => name).join(', ')
  return [
    ...without.map((node) => ({
      node: node.name,
      message: 'etcd has no member on this control plane',
      evidence: names(members),
      remedy,
    })),
    ...(voters.length >= 3 && voters.length % 2 === 1
      ? []
      : [
          {
            // Four lose their quorum with the second that dies, just as three: one more machine that can die, and nothing won.
            ...(voters.length < 3 ? {} : { severity: 'warning' as const }),
            message: `etcd has ${voters.length} voters: it takes three or more, an odd number`,
            evidence: names(voters),
            remedy,
          },
        ]),
  ]
}

async function serves(run: ConversionRun, node: NodeEntry, signal?: AbortSignal): Promise<Look<readonly Evidence[]>> {
  const etcd = await readEtcd(run, signal)
  const member = memberOf(etcd.members, node)
  if (member === undefined) return notYet(`etcd has no member ${node.name}`)
  const { id, learner, status } = member
  if (learner) return notYet(`etcd member ${id} is still a learner`)
  if (status === undefined) return notYet(`etcd member ${id} does not answer yet`)
  if (status.learner || status.errors.length > 0)
    return notYet(`etcd member ${id}: ${status.errors.join(', ') || 'learner'}`)
  if (status.clusterId !== etcd.clusterId)
    return notYet(`etcd member ${id} believes to be in cluster ${status.clusterId}, not ${etcd.clusterId}`)
  const saw = `${id} votes, answers in ${status.latencyMs} ms, cluster ${etcd.clusterId}`
  return holds([{ what: `etcd member of ${node.name}`, saw }])
}

/** What kubeadm said of the join does not count: the member list decides. */
async function leave(run: ConversionRun, node: NodeEntry, { call, retire }: Leaving): Promise<void> {
  const { members } = await readEtcd(run)
  const member = memberOf(members, node)
  if (forecastQuorum(members.filter((one) => one !== member)).holds) await retire()
  if (member !== undefined)
    await run.agent(run.first).change('removeEtcdMember', { memberId: member.id }, call, 'remove-member')
}

async function forecastLeaving(run: ConversionRun, nodes: readonly NodeEntry[]): Promise<LeavingForecast> {
  let members: readonly EtcdMember[]
  try {
    members = (await readEtcd(run)).members
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { quorum: [], impossible: [`etcd does not say who its members are (${why}), so none can be taken out`] }
  }
  const [quorum, impossible]: [string[], string[]] = [[], []]
  for (const node of nodes) {
    const leaving = memberOf(members, node)
    if (leaving === undefined) continue
    const rest = members.filter((member) => member !== leaving)
    const [now, after] = [forecastQuorum(members), forecastQuorum(rest)]
    quorum.push(
      `${node.name} leaves: ${now.healthy} of ${now.voters} voters answer, then ${after.healthy} of ${after.voters}`,
    )
    if (!now.holds || !after.holds) {
      impossible.push(
        `${node.name} cannot leave etcd: ${now.healthy} of ${now.voters} voters answer now, ${after.healthy} of ${after.voters} would after it`,
      )
    }
    members = rest
  }
  return { quorum, impossible }
}

async function hasLeft(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Look<readonly Evidence[]>> {
  const { members } = await readEtcd(run, signal)
  const member = memberOf(members, node)
  if (member !== undefined) return notYet(`etcd still has member ${member.id}`)
  const silent = members.filter(({ learner, status }) => !learner && status === undefined)
  if (silent.length > 0) return notYet(`${silent.map(({ name }) => name).join(', ')} does not answer`)
  const voters = members.map(({ name }) => name).join(', ')
  return holds([{ what: `etcd without ${node.name}`, saw: `${members.length} members, all answer: ${voters}` }])
}
