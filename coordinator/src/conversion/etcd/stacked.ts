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
import { oneLearner } from './one-learner.js'
import { settleMember } from './settle-member.js'

const remedy = 'See docs/runbook.md#etcd before doing anything to its members.'

/** Each control plane has its own member, in a static pod: a join adds a voter, a leaving control plane removes one. */
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
  // Only until a member votes must the next join wait: what kubeadm does after that overlaps, and two voters stay alone for a shorter time.
  joinsAtOnce: async () => ((await learnsFirst(run)) ? 2 : 1),
  inTurn: (node, joining) => oneLearner(run, node, joining),
  noWayBack: ({ name }) =>
    `Once ${name} votes in etcd, it must not die while there are exactly two voters: etcd would lose quorum; recover with docs/runbook.md#quorum. The risk ends when the third member becomes a voter, usually within seconds.`,
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
        'kubeadm-config has external etcd, but the API server uses the etcd on its own machine: a joined API server would not reach it',
      evidence: `etcd.external.endpoints of kubeadm-config: ${etcd.endpoints.join(', ') || '(none)'}`,
      remedy:
        "If an etcd that kubeadm does not manage runs there: make it listen on the machine's address, add that address to its server certificate, and set it in etcd.external.endpoints and in --etcd-servers. Otherwise set etcd.local in kubeadm-config.",
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
            // Four lose quorum with the second failure, just as three: one more machine that can fail, and nothing gained.
            ...(voters.length < 3 ? {} : { severity: 'warning' as const }),
            message: `etcd has ${voters.length} ${voters.length === 1 ? 'voter' : 'voters'}: high availability needs an odd number, three or more`,
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
    return notYet(`etcd member ${id} reports cluster ${status.clusterId}, not ${etcd.clusterId}`)
  const saw = `${id} votes, answers in ${status.latencyMs} ms, cluster ${etcd.clusterId}`
  return holds([{ what: `etcd member of ${node.name}`, saw }])
}

/** The member list decides, not what kubeadm reported about the join. */
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
    return { quorum: [], impossible: [`etcd does not list its members (${why}), so none can be removed`] }
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
        `${node.name} cannot leave etcd: ${now.healthy} of ${now.voters} voters answer now, ${after.healthy} of ${after.voters} would answer after it`,
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
