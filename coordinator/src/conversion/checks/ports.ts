import type { ListeningPort, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { placeOf } from '@quorate/shared/load-balancer-place'
import { formatEndpoint } from '@quorate/shared/names'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import { type Bound, boundBy, linesOf, operatorRuns, quoted } from '../facts/operators-own.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { unitOf } from '../facts/unit-of.js'
import type { Check } from './check.js'

const id = 'ports'
/** Kubelet, controller-manager, scheduler; the API server's own is read from the first control plane, etcd's are its topology's. */
const controlPlanePorts = [10250, 10257, 10259]

/** `[ERROR Port-6443]: Port 6443 is in use`, before kubeadm says it: on joiners, and for the load balancer (kubeadm#2472). */
export const ports: Check = {
  id,
  title: 'Ports of the control plane and of the load balancer are free',
  async check(run) {
    const etcd = await run.etcdTopology()
    const taken = [apiServerPort(await run.nodeFacts(run.first)), ...etcd.ports, ...controlPlanePorts]
    const joining = await toJoin(run)
    const onJoiners = await Promise.all(joining.map(async (node) => ofJoiner(run, node, taken)))
    return [...onJoiners.flat(), ...(await ofLoadBalancer(run, taken))]
  },
}

async function ofJoiner(run: ConversionRun, node: NodeEntry, wanted: readonly number[]): Promise<Finding[]> {
  const { listening } = await run.nodeFacts(node)
  const ignored = run.file.policy.ignorePreflightErrors
  return wanted
    .filter((port) => !ignored.includes(`Port-${port}`))
    .flatMap((port) => {
      const busy = listening.find((each) => each.port === port)
      return busy === undefined ? [] : [inUse(node.name, busy, `kubeadm join needs port ${port}`)]
    })
}

async function ofLoadBalancer(run: ConversionRun, taken: readonly number[]): Promise<Finding[]> {
  const port = run.endpoint.port
  const nodes = run.loadBalancer.programs.length === 0 ? [] : run.loadBalancer.frontends().map(({ node }) => node)
  if (taken.includes(port) && nodes.some((node) => run.controlPlanes.includes(node))) {
    return [
      {
        id,
        severity: 'error',
        message: `the load balancer runs on the control planes, where port ${port} is reserved`,
        evidence: `endpoint ${formatEndpoint(run.endpoint)}`,
        remedy: `Choose another port for the endpoint in the cluster file, such as ${run.endpoint.host}:8443`,
      },
    ]
  }
  const findings = await Promise.all(
    nodes.map(async (node) => {
      const facts = await run.nodeFacts(node)
      const busy = facts.listening.find((each) => each.port === port && !isOurs(each, facts))
      const listens = busy === undefined ? [] : [inUse(node.name, busy, `the load balancer needs port ${port}`)]
      return [...listens, ...boundByOperator(run, node, facts)]
    }),
  )
  return findings.flat()
}

/** haproxy that runs with the file that Quorate wrote: an earlier run started it. */
function isOurs(listening: ListeningPort, facts: NodeFacts): boolean {
  const { configPath, unit } = placeOf('haproxy', facts.loadBalancerConfigs)
  const state = unitOf(facts, unit)?.activeState ?? 'active'
  const runs = facts.loadBalancerConfigs[configPath] !== undefined && state === 'active'
  return runs && (listening.process === '' || listening.process.startsWith('haproxy'))
}

/**
 * The operator's own haproxy, whether it runs now or after the next boot: two can listen on one port (SO_REUSEPORT), and each gets a part of the
 * connections.
 */
function boundByOperator(run: ConversionRun, node: NodeEntry, facts: NodeFacts): Finding[] {
  const { port } = run.endpoint
  const address = run.loadBalancer.frontends().find((one) => one.node === node)?.address
  // Ours listens on every address, or on loopback alone.
  const own = address === node.address ? '' : address
  const clashes = (bound: Bound): boolean =>
    bound.from <= port && port <= bound.to && (bound.address === '' || own === '' || bound.address === own)
  const severity = operatorRuns(facts, 'haproxy') ? 'error' : 'info'
  return linesOf(facts)
    .filter(({ text }) => boundBy(text).some(clashes))
    .map((line) => ({
      id,
      severity,
      node: node.name,
      message: `the operator's haproxy listens on port ${port}, which the load balancer needs`,
      evidence: quoted(line),
      remedy: `Choose another port for the endpoint in the cluster file, or on that node change the line in ${line.path} and: systemctl reload haproxy`,
    }))
}

function inUse(node: string, { port, address, process }: ListeningPort, why: string): Finding {
  return {
    id,
    severity: 'error',
    node,
    message: `port ${port} is in use: ${why}`,
    evidence: `${address}:${port} ${process || '(unknown program)'}`,
    remedy: `On that node: ss -Htlnp 'sport = :${port}', then stop what listens there.`,
  }
}
