import { unifiedDiff } from '@quorate/shared/diff'
import { asQuorateError } from '@quorate/shared/errors'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import { type LoadBalancerProgram, placeOf } from '@quorate/shared/load-balancer-place'
import { renderLoadBalancerUnit } from '@quorate/shared/load-balancer-unit'
import { installCommand } from '@quorate/shared/package-manager'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from '../context/finding.js'
import type { LoadBalancer, Pool } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { nodeOf } from '../endpoint/servers.js'
import { isJoined } from '../facts/membership.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { unitOf } from '../facts/unit-of.js'

/** Settings of one machine's haproxy, and of keepalived where there is a virtual IP, besides the backends. */
interface Settings {
  /** Address that haproxy listens on; '': all. */
  readonly bindAddress: string
  /** '': no keepalived. */
  readonly virtualIp: string
  readonly peers: readonly string[]
  readonly virtualRouterId: number
  readonly priority: number
}

type FromHaproxy = 'check' | 'plan' | 'apply' | 'setBackends' | 'undo'

interface HaproxyKind extends Omit<LoadBalancer, FromHaproxy> {
  settings(node: NodeEntry): Settings
  /** The action on a machine, in words; the backends are appended. */
  readonly does: string
}

/** A kind whose machines run haproxy: the kind sets machines and settings; this starts haproxy, sets its backends and stops it. */
export function haproxyOn(run: ConversionRun, kind: HaproxyKind): LoadBalancer {
  const { settings: _, does: __, ...rest } = kind
  return {
    ...rest,
    async check() {
      const findings = await Promise.all(kind.frontends().map(({ node }) => checkMachine(kind, run, node)))
      return findings.flat()
    },
    async plan() {
      const backends = await joinedBackends(run)
      const actions = await Promise.all(kind.frontends().map(({ node }) => planOn(kind, run, { node, backends })))
      return actions.flat()
    },
    async apply(action, call) {
      const told = { node: nodeOf(run, action.node), backends: await joinedBackends(run) }
      await applyOn(kind, run, { ...told, call, label: 'start' })
    },
    setBackends: (pool, call) => setBackends(kind, run, { ...pool, call }),
    async undo(done, call) {
      await run.agent(done.action.node).change('stopLoadBalancer', {}, call, 'stop')
    },
  }
}

interface Told {
  readonly node: NodeEntry
  readonly backends: readonly NodeEntry[]
}

/** The same in the plan and in the request, so that the agent renders what the plan showed. */
async function requestFor(kind: HaproxyKind, run: ConversionRun, { node, backends }: Told) {
  const [first, { anonymousReadyz }] = await Promise.all([run.nodeFacts(run.first), run.clusterFacts()])
  const { peers, ...settings } = kind.settings(node)
  return {
    ...settings,
    peers: [...peers],
    port: run.endpoint.port,
    backends: backends.map(({ name, address }) => ({ name, address, port: apiServerPort(first) })),
    ownAddress: node.address,
    acceptRefusal: !anonymousReadyz,
  }
}

async function applyOn(
  kind: HaproxyKind,
  run: ConversionRun,
  { call, label, ...told }: Told & { readonly call: ChangeCall; readonly label: string },
): Promise<void> {
  await run.agent(told.node).change('applyLoadBalancer', await requestFor(kind, run, told), call, label)
}

async function planOn(kind: HaproxyKind, run: ConversionRun, { node, backends }: Told): Promise<readonly Action[]> {
  const facts = await run.nodeFacts(node)
  const texts = rendered(facts, await requestFor(kind, run, { node, backends }))
  const units = kind.programs.map((program) => placeOf(program, facts.loadBalancerConfigs).unit)
  const diffs = [...texts].flatMap(([path, text]) => {
    const present = facts.loadBalancerConfigs[path] ?? ''
    return present === text ? [] : [{ name: `${node.name}:${path}`, text: unifiedDiff(path, present, text) }]
  })
  if (diffs.length === 0 && units.every((name) => runs(facts, name))) return []
  const pool = backends.map(({ name }) => name).join(', ')
  return [
    {
      id: node.name,
      node: node.name,
      does: `${kind.does}, with ${backends.length === 1 ? 'backend' : 'backends'} ${pool}`,
      diffs,
    },
  ]
}

/** Setting the backends must succeed on control planes that serve; others may be broken, and their health checks remove dead backends within seconds. */
async function setBackends(
  kind: HaproxyKind,
  run: ConversionRun,
  { backends, beside, joining, call }: Pool & { readonly call: ChangeCall },
): Promise<void> {
  const label = `backends-${backends.map((node) => node.name).join('+')}`
  const tell = (node: NodeEntry) => applyOn(kind, run, { node, backends, call, label })
  const machines = kind.frontends().map(({ node }) => node)
  const isNoControlPlane = (node: NodeEntry) => !run.controlPlanes.includes(node)
  const others = machines.filter((node) => isNoControlPlane(node) || beside.includes(node))
  await Promise.all([
    ...machines.filter((node) => backends.includes(node)).map(tell),
    ...others
      .filter((node) => !joining.includes(node))
      .map((node) =>
        tell(node).catch((error: unknown) => call.progress(`${node.name}: ${asQuorateError(error).message}`)),
      ),
  ])
}

const runs = (facts: NodeFacts, name: string): boolean => unitOf(facts, name)?.activeState === 'active'

type Request = Settings & Parameters<typeof renderHaproxy>[0] & { readonly ownAddress: string }

/** The files that the agent will write, by path; keepalived's only where the interface is known. */
function rendered(facts: NodeFacts, wanted: Request): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  const add = (program: LoadBalancerProgram, render: (version: string) => string): void => {
    const place = placeOf(program, facts.loadBalancerConfigs)
    const { version = '', path = '' } = facts.machine?.programs.find(({ name }) => name === program) ?? {}
    files.set(place.configPath, render(version))
    if (place.unitPath !== undefined) files.set(place.unitPath, renderLoadBalancerUnit(place, path))
  }
  add('haproxy', (version) => renderHaproxy({ ...wanted, version }))
  const held = facts.interfaces
    .flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })))
    .find(({ address }) => address.startsWith(`${wanted.ownAddress}/`))
  if (held === undefined || wanted.virtualIp === '') return files
  const place = { interfaceName: held.name, prefixLength: Number(held.address.split('/')[1]) }
  const peers = wanted.peers.filter((address) => address !== wanted.ownAddress)
  add('keepalived', () => renderKeepalived({ ...wanted, ...place, peers }))
  return files
}

/** What is not installed on the machine; if nothing is missing, what its programs report about the files that it will get. */
async function checkMachine(kind: HaproxyKind, run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const facts = await run.nodeFacts(node)
  const about = { id: 'load-balancer', severity: 'error', node: node.name } as const
  const installed: Readonly<Record<LoadBalancerProgram, boolean>> = {
    haproxy: facts.haproxyInstalled,
    keepalived: facts.keepalivedInstalled,
  }
  const absent = kind.programs.filter((name) => !installed[name])
  if (absent.length === 0) return testMachine(kind, run, node)
  return absent.map((name) => ({
    ...about,
    message: `${name} is not installed, and Quorate installs no packages`,
    evidence: `no ${name} in PATH`,
    remedy: `On that node: ${installCommand(facts.machine, absent)}`,
  }))
}

async function testMachine(kind: HaproxyKind, run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const wish = await requestFor(kind, run, { node, backends: await joinedBackends(run) })
  const { refused } = await run.agent(node).read('testLoadBalancer', wish)
  return refused.map(({ path, program, said }) => ({
    id: 'load-balancer',
    severity: 'error',
    node: node.name,
    message: `${program} on this node rejects the file that Quorate will write to ${path}`,
    evidence: said,
    remedy: `Compare its release with docs/machines.md, upgrade ${program} on that node, or use another loadBalancer.kind.`,
  }))
}

async function joinedBackends(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const joined = await Promise.all(run.joining.map((node) => isJoined(run, node)))
  return [run.first, ...run.joining.filter((_, index) => joined[index])]
}
