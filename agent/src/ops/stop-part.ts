import { QuorateError } from '@quorate/shared/errors'
import { forecastQuorum } from '@quorate/shared/etcd-quorum'
import type { StopPartRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readStaticPod } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import { commands, type ServiceUnit } from '../host/commands.js'
import { readUnit, readUnits } from '../host/unit-state.js'
import { backInEndpoints, mayBeBack } from './cluster/api-endpoints.js'
import { electedComponents } from './cluster/leader-lease.js'
import { runningContainers } from './cluster/running-containers.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { manifestOn } from './context/paths.js'
import { changed } from './context/result.js'
import { runUnitCommand } from './context/run-unit.js'
import type { Tools } from './context/tools.js'
import { containersOf, graceSeconds, partOfNode, putBackTimer, putBackUnit } from './drill/parts.js'

/**
 * Takes a part down: the timer that restarts it is armed first, then the units are stopped, and the containers killed without grace as in a
 * fault, or terminated if the node has handed over. Refused if the timer of another drill is still armed, if a unit would not start after a reboot, and if etcd
 * would lose its quorum.
 */
const stop: ChangeOperation<StopPartRequest>['run'] = async (request, context) => {
  const { tools, signal, progress } = context
  const { handedOver } = request
  const containers = await containersOf(request.part, tools.host)
  await refuseArmed(context)
  const units = await unitsToStop(request, context)
  const running = await runningContainers(tools, containers, signal)
  const missing = containers.filter((name) => !running.some((one) => one.name === name) && !mayHaveEnded(request, name))
  if (missing.length > 0)
    throw new QuorateError('NOT_A_CONTROL_PLANE', `${missing.join(', ')} does not run here: nothing was stopped`)
  if (containers.includes('etcd') && !request.withoutQuorum) await refuseQuorumLoss(tools, signal)
  if (await mayBeBack(request, tools, signal)) return backInEndpoints
  await arm(context, request.restoreAfterSeconds, units)
  await runUnitCommand(context, 'stop', commands.stopServices(units))
  // Read again: until it stopped, the kubelet may have restarted one.
  const victims = await runningContainers(tools, containers, signal)
  const cri = tools.cri()
  try {
    const stop = ({ id, name }: (typeof victims)[number]) =>
      cri.stopContainer(id, graceSeconds(name, handedOver), signal)
    // An API server that stops removes itself from default/kubernetes, and needs etcd for that: a remaining entry gets connections for 15 s.
    const first = victims.filter(({ name }) => handedOver && name === 'kube-apiserver')
    await Promise.all(first.map(stop))
    await Promise.all(victims.filter((one) => !first.includes(one)).map(stop))
  } finally {
    cri.close()
  }
  const what = [...victims.map(({ name }) => name), ...units]
  progress(`stopped ${what.join(', ')}`)
  return changed({
    summary: `stopped ${what.join(', ')}; the node restarts it ${request.restoreAfterSeconds} s after the timer was armed`,
    facts: { stopped_at: String(Date.now()), stopped: what.join(' ') },
  })
}

/** A controller-manager or scheduler that released its Lease was stopped for it, and the kubelet delays its restart. */
const mayHaveEnded = ({ handedOver }: StopPartRequest, container: string): boolean =>
  handedOver && electedComponents.some((one) => one === container)

async function refuseArmed({ tools: { host }, signal }: ChangeContext): Promise<void> {
  const { loadState } = await readUnit(host, putBackTimer, signal)
  if (loadState !== 'loaded') return
  throw new QuorateError(
    'NODE_BUSY',
    `another drill has already stopped a part of this node: ${putBackTimer} is armed`,
    {
      remedy: `The node restarts it on its own. To restart it now: \`systemctl start ${putBackUnit}.service\` on that node.`,
    },
  )
}

/** The running units of the part; each is enabled, so that a reboot also restarts it. */
async function unitsToStop(
  { part }: StopPartRequest,
  { tools, signal }: ChangeContext,
): Promise<readonly ServiceUnit[]> {
  const { units, ifRunning } = await partOfNode(tools.host, part)
  const all = [...units, ...ifRunning]
  const seen = await readUnits(tools.host, all, signal)
  return all.filter((unit, index) => {
    const state = seen[index]
    const isActive = state?.activeState === 'active'
    if (!isActive && ifRunning.includes(unit)) return false
    if (isActive && state.unitFileState.startsWith('enabled')) return true
    throw new QuorateError(
      'COMMAND_FAILED',
      `${unit} is ${state?.activeState ?? 'not there'}, ${state?.unitFileState || 'not enabled'}: nothing was stopped`,
      { remedy: `On that node: systemctl enable --now ${unit}` },
    )
  })
}

async function refuseQuorumLoss(tools: Tools, signal: AbortSignal): Promise<void> {
  const path = await manifestOn(tools.host, 'etcd')
  const manifest = await tools.host.read(path)
  const pod = manifest === undefined ? undefined : readStaticPod(manifest.bytes.toString('utf8'), filePlace(path))
  const own = pod?.flags['name']
  const etcd = await tools.etcd()
  try {
    const { members } = await etcd.members(signal)
    const without = members.map((member) => (member.name === own ? { ...member, status: undefined } : member))
    const { healthy, voters, holds } = forecastQuorum(without)
    if (holds) return
    throw new QuorateError(
      'QUORUM_AT_RISK',
      `without this member ${healthy} of ${voters} voters of etcd would be healthy: nothing was stopped`,
    )
  } finally {
    etcd.close()
  }
}

async function arm({ tools, progress }: ChangeContext, seconds: number, units: readonly ServiceUnit[]): Promise<void> {
  const inner = commands.startServices(units)
  // Without a signal: once asked, the answer must be known.
  const { exitCode, stderr } = await tools.host.run(commands.startTransientTimer(putBackUnit, seconds, inner))
  if (exitCode !== 0)
    throw new QuorateError(
      'COMMAND_FAILED',
      `the timer could not be armed, so nothing was stopped: ${stderr.trim() || exitCode}`,
    )
  progress(`armed ${putBackTimer}: in ${seconds} s it starts ${units.join(', ')}`)
}

export const stopPart = changeOperation<StopPartRequest>(stop, {
  evidence: async ({ part }, { tools, signal }) => {
    const { units } = await partOfNode(tools.host, part)
    const [timer, ...seen] = await readUnits(tools.host, [putBackTimer, ...units], signal)
    return doneIf(timer?.loadState === 'loaded' && seen.every(({ activeState }) => activeState !== 'active'))
  },
})
