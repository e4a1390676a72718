import { forecastQuorum } from '@quorate/shared/etcd-quorum'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { EtcdTopology, OutsidePlace, Shortcoming } from '../context/etcd-topology.js'
import type { ConversionRun } from '../context/run.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { readEtcd } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { hostIn } from './members.js'

/** An API server whose static pod was written is up within this time, or its kubelet never began. */
const startMs = 30_000

/**
 * etcd runs on machines of its own (kubeadm-config: etcd.external) and is its operator's: no member comes, goes or is taken a vote, and a control
 * plane is a client like every other. Its word is asked of the very node that is meant, with that node's own certificate.
 */
export const external = (run: ConversionRun, endpoints: readonly string[]): EtcdTopology => ({
  ports: [],
  outside: outsidePlaces(endpoints),
  homes: () => [],
  expects: () => true,
  inconvertible: () => inconvertible(run, endpoints),
  notRedundant: () => notRedundant(run, endpoints),
  lacking: () => [],
  isMember: async () => true,
  serves: (node, signal) => serves(run, node, signal),
  joinsAtOnce: async () => Math.max(1, run.joining.length),
  noWayBack: () => undefined,
  async settleJoin(node, { call, why }) {
    // etcd knows nothing of a join: one whose API server does not come up can be taken back whenever that is.
    const look = () => isUp(run, node)
    const up = await until(`the API server of ${node.name} to answer`, look, {
      deadlineMs: startMs,
      everyMs: 500,
    }).catch(() => false)
    if (!up) throw why
    call.progress(`the API server of ${node.name} answers: finishing what kubeadm left`)
  },
  leave: async (_node, { retire }) => retire(),
  forecastLeaving: async () => ({ quorum: [], impossible: [] }),
  async hasLeft(node, signal) {
    const { members } = await readEtcd(run, signal)
    return holds([{ what: `etcd without ${node.name}`, saw: `external: the same ${members.length} members` }])
  },
})

const portOf = (url: string): number => Number(new URL(url).port || 2379)

const outsidePlaces = (endpoints: readonly string[]): readonly OutsidePlace[] =>
  endpoints.flatMap((url) =>
    URL.canParse(url) ? [{ host: hostIn(url), port: portOf(url), what: `external etcd ${url}` }] : [],
  )

/** A joined API server gets what kubeadm-config says, whatever the first one uses. */
async function inconvertible(run: ConversionRun, endpoints: readonly string[]): Promise<readonly Shortcoming[]> {
  const etcd = (await clusterConfiguration(run))?.etcd
  const configured = etcd?.kind === 'external' ? etcd.endpoints : []
  if (etcd === undefined || sameSet(configured, endpoints)) return []
  return [
    {
      node: run.first.name,
      message:
        'kubeadm-config says another etcd than the API server uses: a joined one would use another, or start one of its own',
      evidence: `--etcd-servers=${endpoints.join(',')}; etcd.external.endpoints of kubeadm-config: ${configured.join(', ') || '(none)'}`,
      remedy:
        'kubectl -n kube-system edit configmap kubeadm-config, and write under etcd.external what the manifest of the API server has: endpoints, caFile, certFile, keyFile.',
    },
  ]
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one))

/** Members on one machine are one, and an API server that knows one of three members is lost with it. */
async function notRedundant(run: ConversionRun, endpoints: readonly string[]): Promise<readonly Shortcoming[]> {
  const voters = (await run.etcd()).members.filter(({ learner }) => !learner)
  const evidence = voters.map(({ name, clientUrls }) => `${name} ${clientUrls.join(', ')}`).join('; ')
  const machines = new Set(voters.map(machineOf))
  const survives = Math.floor((voters.length - 1) / 2)
  const known = voters.filter((voter) => endpoints.some((url) => urlsOf(voter).includes(hostIn(url))))
  const remedy =
    'Grow the etcd cluster to three members or five, each on a machine of its own, and name all of them in etcd.external.endpoints and --etcd-servers.'
  if (voters.length < 3 || voters.length % 2 === 0) {
    return [
      {
        message: `the external etcd has ${voters.length} of the three voters or more that it takes (an odd number): ${survives === 0 ? 'none' : `only ${survives}`} may fail, however many control planes there are`,
        evidence,
        remedy,
      },
    ]
  }
  return [
    ...(machines.size === voters.length
      ? []
      : [
          {
            message: `${voters.length} voters of the external etcd are on ${machines.size} machines`,
            evidence,
            remedy,
          },
        ]),
    // Endpoints that are no member's own address may be a load balancer: nothing can be said of it.
    ...(known.length === 0 || known.length > survives
      ? []
      : [
          {
            message: `the API servers know ${known.length} of ${voters.length} members of the external etcd: they are lost with ${known.length === 1 ? 'it' : 'them'}`,
            evidence: `${evidence}; endpoints ${endpoints.join(', ')}`,
            remedy,
          },
        ]),
  ]
}

const urlsOf = ({ clientUrls }: EtcdMember): readonly string[] => clientUrls.map(hostIn)

/** Peers must reach it there: what it advertises to clients may be a loopback address beside it. */
const machineOf = ({ id, peerUrls }: EtcdMember): string => hostIn(peerUrls[0] ?? '') || id

async function serves(run: ConversionRun, node: NodeEntry, signal?: AbortSignal): Promise<Look<readonly Evidence[]>> {
  const { members } = await run
    .agent(node)
    .read('listEtcdMembers', { authentication: false }, signal === undefined ? {} : { signal })
  const { healthy, voters, holds: quorate } = forecastQuorum(members)
  const saw = `${healthy} of ${voters} voters answer`
  return quorate ? holds([{ what: `external etcd from ${node.name}`, saw }]) : notYet(`external etcd: ${saw}`)
}

/** A node without a manifest of an API server will not get one any more: that is said at once. */
async function isUp(run: ConversionRun, node: NodeEntry): Promise<Look<boolean>> {
  const facts = (await run.agent(node).read('getNodeFacts', {})).facts
  if (facts?.staticPods.some(({ component }) => component === 'kube-apiserver') !== true) return holds(false)
  const answer = await probeFrom(run, node, { host: node.address, port: apiServerPort(facts), timeoutMs: 2_000 })
  const problem = problemOf(answer, await readyStatuses(run))
  return problem === undefined ? holds(true) : notYet(problem)
}
