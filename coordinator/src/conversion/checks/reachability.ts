import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { pathProblem } from '../endpoint/probe.js'
import { shutPorts } from '../etcd/shut-ports.js'
import { toJoin } from '../facts/membership.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import type { Check } from './check.js'

const id = 'reachability'
const purposes: Readonly<Record<number, string>> = {
  2379: "etcd's clients",
  2380: "etcd's members",
  10250: 'the kubelet',
}

/**
 * Ports of every control plane as every other one meets them, in both directions, and the load balancer's as every node does. A joiner listens on
 * none of them yet: its agent holds them with a throw-away certificate while the others try, and the certificate proves that it is that
 * node which answers; being larger than any packet it proves the MTU of the path too.
 */
export const reachability: Check = {
  id,
  title:
    'Control planes reach each other on the ports of API server, etcd and kubelet, and every node reaches the load balancer',
  async check(run) {
    const joining = await toJoin(run)
    const etcd = await run.etcdTopology()
    const ports = [apiServerPort(await run.nodeFacts(run.first)), ...etcd.ports, 10250]
    const { controlPlanes: between } = run
    const ofControlPlanes = Promise.all(
      between.map((target) =>
        joining.includes(target)
          ? probeHeld(run, { target, ports, sources: between })
          : probeOpen(run, { target, ports, sources: between }),
      ),
    )
    const ofLoadBalancer = run.loadBalancer
      .frontends()
      .map(({ node: target, clients: sources }) => probeHeld(run, { target, ports: [run.endpoint.port], sources }))
    const ofEtcd = etcd.outside.map(({ host, port, what }) =>
      probeFromOthers(run, {
        ...{ target: { name: what, address: host }, ports: [port], sources: between, certificateSha256: '' },
      }),
    )
    // All at once: one that fails while another is awaited would be an unhandled rejection.
    const [found, ...others] = await Promise.all([ofControlPlanes, ...ofLoadBalancer, ...ofEtcd])
    return [...found.flat(), ...others.flat()]
  },
}

interface Held {
  readonly target: NodeEntry
  readonly ports: readonly number[]
  readonly sources: readonly NodeEntry[]
}

/** A node, or what lies outside the cluster file. */
interface Target {
  readonly name: string
  readonly address: string
}

/** A port that is in use is no matter here: what listens there is the finding of `ports`, unless it is a load balancer of ours that runs. */
async function probeHeld(run: ConversionRun, held: Held): Promise<readonly Finding[]> {
  return run
    .agent(held.target)
    .holdPorts(held.ports, ({ listening, certificateSha256 }) =>
      probeFromOthers(run, { ...held, ports: listening, certificateSha256 }),
    )
}

/** What runs there. Where its etcd listens for itself alone `etcd-addresses` says so, and it is not a firewall problem. */
async function probeOpen(run: ConversionRun, { target, ports, sources }: Held): Promise<readonly Finding[]> {
  const shut = shutPorts(target, await run.nodeFacts(target)).map(({ port }) => port)
  const open = ports.filter((port) => !shut.includes(port))
  return probeFromOthers(run, { target, ports: open, sources, certificateSha256: '' })
}

interface Probe extends Omit<Held, 'target'> {
  readonly target: Target
  /** Of the certificate that must be shown; empty: TCP is enough. */
  readonly certificateSha256: string
}

async function probeFromOthers(run: ConversionRun, probe: Probe): Promise<readonly Finding[]> {
  const sources = probe.sources.filter((node) => node.name !== probe.target.name)
  const findings = await Promise.all(
    sources.flatMap((source) => probe.ports.map((port) => probeOne(run, source, { ...probe, port }))),
  )
  return findings.flat()
}

async function probeOne(
  run: ConversionRun,
  source: NodeEntry,
  { target, port, certificateSha256 }: Probe & { port: number },
): Promise<Finding[]> {
  const answer = await run.agent(source).read('probeEndpoint', {
    host: target.address,
    port,
    path: '',
    serverName: '',
    verify: certificateSha256 === '' ? VerifyMode.VERIFY_MODE_TCP : VerifyMode.VERIFY_MODE_NONE,
    timeoutMs: 3_000,
    caPem: '',
  })
  const purpose = port === run.endpoint.port ? 'the load balancer' : (purposes[port] ?? 'the API server')
  const where = { id, severity: 'error', node: source.name } as const
  if (answer.error !== '') {
    return [
      {
        ...where,
        message: `cannot reach ${target.name} on port ${port} (${purpose})`,
        evidence: `${source.address} -> ${target.address}:${port}: ${pathProblem(answer)}`,
        remedy: `Open TCP ${port} from ${source.address} to ${target.address} in the firewalls of both nodes and between them; try: nc -vz ${target.address} ${port}`,
      },
    ]
  }
  if (certificateSha256 === '' || answer.certificateSha256 === certificateSha256) return []
  return [
    {
      ...where,
      message: `another machine than ${target.name} answers at its address on port ${port}`,
      evidence: `${target.address}:${port} shows certificate ${answer.certificateSha256}, ${target.name} shows ${certificateSha256}`,
      remedy: `Look for a second machine with ${target.address}, or a NAT or proxy between the nodes: ip neigh show ${target.address}`,
    },
  ]
}
