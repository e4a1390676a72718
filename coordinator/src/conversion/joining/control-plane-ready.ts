import { QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { awaitsCloud, isUninitialized } from '../facts/node-registration.js'
import { patience } from '../facts/patience.js'
import { clusterNow } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

/** Whether a node has a serving etcd and a ready API server: the condition for a backend of the load balancer. */
async function serves(run: ConversionRun, node: NodeEntry, signal?: AbortSignal): Promise<Look<readonly Evidence[]>> {
  const options = signal === undefined ? {} : { signal }
  const port = apiServerPort(await run.nodeFacts(run.first))
  const topology = await run.etcdTopology()
  const [etcd, answer, statuses] = await Promise.all([
    topology.serves(node, signal),
    probeFrom(run, node, { host: node.address, port, timeoutMs: 2_000, ...options }),
    readyStatuses(run),
  ])
  if (!etcd.holds) return etcd
  const problem = problemOf(answer, statuses)
  if (problem !== undefined) return notYet(`API server of ${node.name}: ${problem}`)
  return holds([...etcd.value, { what: `https://${node.address}:${port}/readyz`, saw: `HTTP ${answer.httpStatus}` }])
}

/** Waits until a node that joined can be a backend. */
export function untilServing(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<readonly Evidence[]> {
  return until(`${node.name} to serve as a control plane`, () => serves(run, node, signal), patience(signal, 300))
}

/** Waits until the Node is Ready and labelled; that takes longer than its API server, and needs the pod network. */
export function untilNodeReady(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  return until(
    `Node ${node.name} to be Ready`,
    async () => {
      const object = (await clusterNow(run)).nodes.find((one) => one.name === node.name)
      if (object === undefined) return notYet(`no Node ${node.name}`)
      if (!object.controlPlane) return notYet('it lacks the label node-role.kubernetes.io/control-plane')
      if (object.taints.some(isUninitialized)) return notYet(awaitsCloud)
      return object.ready
        ? holds({ what: `Node ${node.name}`, saw: 'Ready, labelled as control plane' })
        : notYet('it is NotReady')
    },
    patience(signal, 300),
  )
}

/** Runs `join`. Until it finishes the node is no backend, even if it serves, and its agent, which runs one operation at a time, gets no list of backends. */
export async function whileJoining(run: ConversionRun, node: NodeEntry, join: () => Promise<void>): Promise<void> {
  const { joining, leaving } = run.inProcess
  joining.add(node)
  leaving.delete(node)
  try {
    await join()
  } finally {
    joining.delete(node)
  }
}

/** How long a control plane of the cluster is waited for before the load balancer continues without it. */
const lateMs = 30_000

/**
 * Control planes that serve, in the order of the file, except those that leave, `without` among them. One that joined and does not answer now is waited for:
 * nothing adds it later. While another one leaves it is not waited for, because it may be the broken one.
 */
export async function servingNow(run: ConversionRun, without?: NodeEntry): Promise<readonly NodeEntry[]> {
  const { joining, leaving } = run.inProcess
  const asked = run.controlPlanes.filter((node) => node !== without && !joining.has(node) && !leaving.has(node))
  const looks = await Promise.all(asked.map((node) => looksWhileLate(run, node, without !== undefined)))
  return asked.filter((_, index) => looks[index])
}

async function looksWhileLate(run: ConversionRun, node: NodeEntry, isOnceEnough: boolean): Promise<boolean> {
  const look = (): Promise<Look<unknown>> => serves(run, node).catch((error: unknown) => notYet(String(error)))
  if ((await look()).holds) return true
  const { nodes } = await clusterNow(run).catch(() => ({ nodes: [] }))
  const isMember = nodes.some(({ name, controlPlane }) => name === node.name && controlPlane)
  if (isOnceEnough || !isMember) return false
  const options = { deadlineMs: lateMs, everyMs: 200, longestMs: 1_000 }
  return until(`${node.name} to serve again`, look, options).then(
    () => true,
    () => false,
  )
}

/**
 * Makes the control planes that serve now the load balancer's backends. One call at a time in a run, each from the state at that time:
 * of two joins that finish together neither may write a list without the other, and of two that leave together none with the other.
 */
export function balanceServing(
  run: ConversionRun,
  call: ChangeCall,
  without?: NodeEntry,
): Promise<readonly NodeEntry[]> {
  const { inProcess } = run
  return inProcess.balancing(async () => {
    if (without !== undefined) inProcess.leaving.add(without)
    const backends = await servingNow(run, without)
    if (backends.length === 0)
      throw new QuorateError('STEP_FAILED', 'no control plane serves: the load balancer keeps its backends', {
        where: run.first.name,
      })
    // A joining node gets the list in its own turn. When one leaves, the node that holds the address, even the leaving one, must route to those that stay.
    const rest = run.controlPlanes.filter((node) => !backends.includes(node) && !inProcess.joining.has(node))
    const pool = {
      backends,
      beside: without === undefined ? [] : rest,
      joining: [...inProcess.joining],
      ...(without === undefined ? {} : { leaving: without }),
    }
    await run.loadBalancer.setBackends(pool, call)
    return backends
  })
}
