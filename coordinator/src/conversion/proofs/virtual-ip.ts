import { asQuorateError } from '@quorate/shared/errors'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { placeOf } from '@quorate/shared/load-balancer-place'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import { readNodeFacts } from '../facts/read-facts.js'
import { unitOf } from '../facts/unit-of.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'virtual-ip'

/** Two holders are a split brain (keepalived#2370), none is an outage; and where one keepalived is stopped, one node fewer takes over. */
export const virtualIp: Proof = {
  id,
  title: 'Exactly one load balancer machine holds the virtual IP, and every other one can take it over',
  foreseen: [{ asks: 'one holder', checks: ['virtual-ip-unused', 'virtual-router-id'] }],
  async prove(run, signal) {
    const nodes = run.loadBalancer.frontends().map(({ node }) => node)
    const virtualIP = run.loadBalancer.movingAddress()
    if (virtualIP === undefined)
      return resultOf([{ what: 'virtual IP', saw: 'not managed by Quorate: no address moves between machines' }])
    const running = await Promise.all(nodes.map(async (node) => ofUnits(run, node, await run.nodeFacts(node))))
    const pods = await Promise.all(nodes.map((node) => ofContainers(run, node, signal)))
    return resultOf([...running.flat(), ...pods.flat(), await ofHolder(run, { nodes, virtualIP, signal })])
  },
}

/** A machine without one of them answers as long as another holds the address, and never takes it over. */
const ofUnits = (run: ConversionRun, node: NodeEntry, facts: NodeFacts): readonly Seen[] =>
  run.loadBalancer.programs.map((program) => {
    const { unit } = placeOf(program, facts.loadBalancerConfigs)
    const state = unitOf(facts, unit)?.activeState
    if (state === 'active') return { what: `${unit} of ${node.name}`, saw: state }
    return notProved(id, {
      node: node.name,
      message: `${unit} does not run: this machine never takes over the virtual IP`,
      evidence: `${unit}.service ${state ?? 'not installed'}`,
      remedy: `On that node: systemctl enable --now ${unit}; journalctl --unit ${unit} shows why it stopped.`,
    })
  })

/** As `ofUnits`, for what runs as a static pod. */
async function ofContainers(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<readonly Seen[]> {
  const { containers: names = [] } = run.loadBalancer
  if (names.length === 0) return []
  const { containers } = await run.agent(node).read('listContainers', { names: [...names] }, { signal })
  return names.map((name) => {
    const state = containers.findLast((one) => one.name === name)?.state
    if (state === 'running') return { what: `${name} of ${node.name}`, saw: state }
    return notProved(id, {
      node: node.name,
      message: `${name} does not run: this machine never takes over the virtual IP`,
      evidence: `container ${name}: ${state ?? 'none'}`,
      remedy: `On that node: ${run.loadBalancer.inspect}`,
    })
  })
}

interface Holding {
  readonly nodes: readonly NodeEntry[]
  readonly virtualIP: string
  readonly signal: AbortSignal
}

/** An address that moves just now has no holder, or two, for a moment: checked again for three seconds. */
async function ofHolder(run: ConversionRun, { nodes, virtualIP, signal }: Holding): Promise<Seen> {
  let holders: readonly string[] = []
  const look = async (): Promise<Look<string>> => {
    const facts = await Promise.all(nodes.map((node) => readNodeFacts(run, node, signal)))
    holders = nodes.filter((_, index) => hasAddress(facts[index], virtualIP)).map(({ name }) => name)
    const [holder] = holders
    return holders.length === 1 && holder !== undefined ? holds(holder) : notYet(holders.join(', ') || 'no machine')
  }
  try {
    const saw = await until(`one holder of ${virtualIP}`, look, { deadlineMs: 3_000, everyMs: 300, signal })
    return { what: `${virtualIP} is held by`, saw }
  } catch (thrown) {
    const error = asQuorateError(thrown)
    if (error.code !== 'GATE_TIMEOUT') throw error
    return notProved(id, {
      message: `${holders.length} nodes hold the virtual IP instead of one`,
      evidence: `${virtualIP}: ${holders.join(', ') || 'on no interface'}`,
      remedy: `On the machines of the load balancer: ip addr; ${run.loadBalancer.inspect}. With keepalived, let protocol 112 (VRRP) pass between them, or stop it on the one of lower priority and start it again.`,
    })
  }
}

/** Whether an address is on an interface of the node. */
export const hasAddress = (facts: NodeFacts | undefined, address: string): boolean =>
  facts?.interfaces.some(({ addresses }) => addresses.some((one) => one.split('/')[0] === address)) ?? false
