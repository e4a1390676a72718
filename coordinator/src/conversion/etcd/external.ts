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

/** An API server whose static pod manifest exists starts within this time, or its kubelet never started it. */
const startMs = 30_000

/**
 * etcd runs on its own machines (kubeadm-config: etcd.external), managed by its operator: a run adds, removes and promotes no member, and a control
 * plane is a client like any other. Its state is read from the node in question, with that node's own certificate.
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
  inTurn: (_node, { join }) => join(),
  noWayBack: () => undefined,
  async settleJoin(node, { call, why }) {
    // etcd is not part of a join: one whose API server does not start can be rolled back at any time.
    const look = () => isUp(run, node)
    const up = await until(`the API server of ${node.name} to answer`, look, {
      deadlineMs: startMs,
      everyMs: 500,
    }).catch(() => false)
    if (!up) throw why
    call.progress(`the API server of ${node.name} answers: running kubeadm's remaining phases`)
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

/** A joined API server uses the etcd of kubeadm-config, whatever the first one uses. */
async function inconvertible(run: ConversionRun, endpoints: readonly string[]): Promise<readonly Shortcoming[]> {
  const etcd = (await clusterConfiguration(run))?.etcd
  const configured = etcd?.kind === 'external' ? etcd.endpoints : []
  if (etcd === undefined || sameSet(configured, endpoints)) return []
  return [
    {
      node: run.first.name,
      message:
        'kubeadm-config has another etcd than the API server uses: a joined API server would use a different etcd, or start its own',
      evidence: `--etcd-servers=${endpoints.join(',')}; etcd.external.endpoints of kubeadm-config: ${configured.join(', ') || '(none)'}`,
      remedy:
        "Run kubectl -n kube-system edit configmap kubeadm-config and set etcd.external to the values of the API server's manifest: endpoints, caFile, certFile, keyFile.",
    },
  ]
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one))

/** Members on one machine fail together, and an API server that has one of three endpoints fails with that member. */
async function notRedundant(run: ConversionRun, endpoints: readonly string[]): Promise<readonly Shortcoming[]> {
  const voters = (await run.etcd()).members.filter(({ learner }) => !learner)
  const evidence = voters.map(({ name, clientUrls }) => `${name} ${clientUrls.join(', ')}`).join('; ')
  const machines = new Set(voters.map(machineOf))
  const survives = Math.floor((voters.length - 1) / 2)
  const known = voters.filter((voter) => endpoints.some((url) => urlsOf(voter).includes(hostIn(url))))
  const remedy =
    'Grow the etcd cluster to three or five members, each on its own machine, and list all of them in etcd.external.endpoints and --etcd-servers.'
  if (voters.length < 3 || voters.length % 2 === 0) {
    return [
      {
        message: `external etcd has ${voters.length} ${voters.length === 1 ? 'voter' : 'voters'}; high availability needs an odd number, three or more: ${survives === 0 ? 'none' : `only ${survives}`} may fail, whatever the number of control planes`,
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
            message: `${voters.length} voters of external etcd are on ${machines.size} ${machines.size === 1 ? 'machine' : 'machines'}`,
            evidence,
            remedy,
          },
        ]),
    // Endpoints that are no member's own address may be a load balancer: unknown.
    ...(known.length === 0 || known.length > survives
      ? []
      : [
          {
            message: `the API servers have ${known.length} of ${voters.length} members of external etcd as endpoints: they fail with ${known.length === 1 ? 'it' : 'them'}`,
            evidence: `${evidence}; endpoints ${endpoints.join(', ')}`,
            remedy,
          },
        ]),
  ]
}

const urlsOf = ({ clientUrls }: EtcdMember): readonly string[] => clientUrls.map(hostIn)

/** Peers must reach this address; the client URLs may include a loopback address. */
const machineOf = ({ id, peerUrls }: EtcdMember): string => hostIn(peerUrls[0] ?? '') || id

async function serves(run: ConversionRun, node: NodeEntry, signal?: AbortSignal): Promise<Look<readonly Evidence[]>> {
  const { members } = await run
    .agent(node)
    .read('listEtcdMembers', { authentication: false }, signal === undefined ? {} : { signal })
  const { healthy, voters, holds: quorate } = forecastQuorum(members)
  const saw = `${healthy} of ${voters} voters answer`
  return quorate ? holds([{ what: `external etcd from ${node.name}`, saw }]) : notYet(`external etcd: ${saw}`)
}

/** A node without an API server manifest will not get one: reported at once. */
async function isUp(run: ConversionRun, node: NodeEntry): Promise<Look<boolean>> {
  const facts = (await run.agent(node).read('getNodeFacts', {})).facts
  if (facts?.staticPods.some(({ component }) => component === 'kube-apiserver') !== true) return holds(false)
  const answer = await probeFrom(run, node, { host: node.address, port: apiServerPort(facts), timeoutMs: 2_000 })
  const problem = problemOf(answer, await readyStatuses(run))
  return problem === undefined ? holds(true) : notYet(problem)
}
