import { unifiedDiff } from '@quorate/shared/diff'
import { asQuorateError } from '@quorate/shared/errors'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action, Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from '../checks/check.js'
import { isJoined } from '../membership.js'
import type { ConversionRun } from '../run.js'
import { apiServerPort } from '../static-pod-flags.js'
import { nodeOf } from '../wanted.js'
import type { LoadBalancerKind } from './kind.js'
import { meetBackends } from './meet-backends.js'

const haproxyPath = '/etc/haproxy/haproxy.cfg'
const keepalivedPath = '/etc/keepalived/keepalived.conf'

/** haproxy and keepalived on every control plane, also on those that have not joined yet: one virtual IP, unicast VRRP. */
export const haproxy: LoadBalancerKind = {
  name: 'haproxy',
  nodes: (run) => run.controlPlanes,
  async check(run) {
    const findings = await Promise.all(run.controlPlanes.map(async (node) => missing(node, await run.nodeFacts(node))))
    return findings.flat()
  },
  async plan(run) {
    const backends = await joinedBackends(run)
    const actions = await Promise.all(run.controlPlanes.map((node) => planNode(run, node, backends)))
    return actions.flat()
  },
  async apply(run, action, call) {
    await applyTo(run, nodeOf(run, action.node), { backends: await joinedBackends(run), call, label: 'start' })
  },
  async setBackends(run, { backends, beside }, call) {
    const label = `backends-${backends.map((node) => node.name).join('+')}`
    const tell = (node: NodeEntry) => applyTo(run, node, { backends, call, label })
    const told = async (node: NodeEntry) => {
      // It may be what is broken; and its own checks take what does not serve out of its pool within seconds.
      await tell(node).catch((error: unknown) => call.progress(`${node.name}: ${asQuorateError(error).message}`))
    }
    await Promise.all([...backends.map(tell), ...beside.map(told)])
  },
  proveBackends: (run, backends, signal): Promise<readonly Evidence[]> =>
    meetBackends(run, backends, { seconds: 60, signal }),
  async undo(run, done, call) {
    await run.agent(done.action.node).change('stopLoadBalancer', {}, call, 'stop')
  },
}

function missing(node: NodeEntry, facts: NodeFacts): Finding[] {
  const about = { id: 'load-balancer', severity: 'error', node: node.name } as const
  const absent = [...(facts.haproxyInstalled ? [] : ['haproxy']), ...(facts.keepalivedInstalled ? [] : ['keepalived'])]
  const foreign = Object.keys(facts.foreignLoadBalancerConfigs)
  return [
    ...absent.map((name) => ({
      ...about,
      message: `${name} is not installed, and Quorate installs no packages`,
      evidence: `no ${name} in PATH`,
      remedy: `On that node: apt-get install ${absent.join(' ')}`,
    })),
    ...foreign.map((path) => ({
      ...about,
      message: `${path} is somebody else's: it serves something that is not Quorate's to stop`,
      evidence: firstLine(facts.foreignLoadBalancerConfigs[path] ?? ''),
      remedy: `Move what it serves elsewhere and remove ${path}, or use loadBalancer.kind: external.`,
    })),
  ]
}

const firstLine = (text: string): string => text.split('\n').find((line) => line.trim() !== '') ?? '(empty)'

async function joinedBackends(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const joined = await Promise.all(run.joining.map((node) => isJoined(run, node)))
  return [run.first, ...run.joining.filter((_, index) => joined[index])]
}

/** What a node's load balancer shall be; the same in the plan and in the request, so that the agent renders what the plan showed. */
function settings(
  run: ConversionRun,
  node: NodeEntry,
  { backends, port }: { backends: readonly NodeEntry[]; port: number },
) {
  return {
    port: run.endpoint.port,
    virtualIp: run.file.loadBalancer.virtualIP ?? '',
    backends: backends.map(({ name, address }) => ({ name, address, port })),
    peers: run.controlPlanes.map(({ address }) => address),
    ownAddress: node.address,
    virtualRouterId: run.file.loadBalancer.virtualRouterId,
    // The first control plane takes the address where several start at once: it is the one that surely serves.
    priority: 200 - run.controlPlanes.indexOf(node),
  }
}

async function planNode(
  run: ConversionRun,
  node: NodeEntry,
  backends: readonly NodeEntry[],
): Promise<readonly Action[]> {
  const facts = await run.nodeFacts(node)
  const port = apiServerPort(await run.nodeFacts(run.first))
  const wanted = settings(run, node, { backends, port })
  const held = facts.interfaces
    .flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })))
    .find(({ address }) => address.startsWith(`${node.address}/`))
  const texts = new Map([[haproxyPath, renderHaproxy(wanted)]])
  if (held !== undefined && wanted.virtualIp !== '') {
    const place = { interfaceName: held.name, prefixLength: Number(held.address.split('/')[1]) }
    const peers = wanted.peers.filter((address) => address !== node.address)
    texts.set(keepalivedPath, renderKeepalived({ ...wanted, ...place, peers }))
  }
  const diffs = [...texts].flatMap(([path, text]) => {
    const present = facts.loadBalancerConfigs[path] ?? ''
    return present === text ? [] : [{ name: `${node.name}:${path}`, text: unifiedDiff(path, present, text) }]
  })
  const runs = ['haproxy', 'keepalived'].every((name) =>
    facts.units.some((unit) => unit.name.replace(/\.service$/, '') === name && unit.activeState === 'active'),
  )
  if (diffs.length === 0 && runs) return []
  const pool = backends.map(({ name }) => name).join(', ')
  return [
    {
      id: node.name,
      node: node.name,
      does: `run haproxy on port ${wanted.port} and keepalived for ${wanted.virtualIp}, leading to ${pool}`,
      diffs,
    },
  ]
}

interface Applying {
  readonly backends: readonly NodeEntry[]
  readonly call: ChangeCall
  readonly label: string
}

async function applyTo(run: ConversionRun, node: NodeEntry, { backends, call, label }: Applying): Promise<void> {
  const port = apiServerPort(await run.nodeFacts(run.first))
  await run.agent(node).change('applyLoadBalancer', settings(run, node, { backends, port }), call, label)
}
