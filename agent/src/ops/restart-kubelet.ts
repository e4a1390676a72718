import { QuorateError } from '@quorate/shared/errors'
import type { RestartKubeletRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, notYet, until } from '@quorate/shared/until'
import { commands } from '../host/commands.js'
import { readUnit } from '../host/unit-state.js'
import { type ChangeOperation, changeOperation } from './context/operation.js'
import { changed } from './context/result.js'
import { runUnitCommand } from './context/run-unit.js'

const activeDeadlineMs = 60_000
const kubeletUnit = 'kubelet'

type Restart = ChangeOperation<RestartKubeletRequest>['run']
type Looking = NonNullable<ChangeOperation<RestartKubeletRequest>['evidence']>

/**
 * Restarts the kubelet through PID 1; containers keep running. Fact `restarted_at`: this node's clock, Unix milliseconds, when the new kubelet
 * runs: it renewed every later lease, not the kubelet that was stopped.
 */
const restart: Restart = async (_request, context) => {
  const { host } = context.tools
  const { loadState } = await readUnit(host, 'kubelet', context.signal)
  if (loadState !== 'loaded') {
    throw new QuorateError('COMMAND_FAILED', `this node has no kubelet service (${loadState})`, {
      remedy: 'On that node: `systemctl status kubelet`; the kubelet must be a service of systemd.',
    })
  }
  await runUnitCommand(context, kubeletUnit, commands.restartKubelet())
  const restartedAt = Date.now()
  const look = async () => {
    const { activeState, subState } = await readUnit(host, 'kubelet', context.signal)
    return activeState === 'active' ? holds(true) : notYet(`kubelet is ${activeState} (${subState})`)
  }
  await until('the kubelet service to be active', look, {
    deadlineMs: activeDeadlineMs,
    everyMs: 250,
    signal: context.signal,
    onWaiting: context.progress,
  })
  return changed({ summary: 'restarted the kubelet', facts: { restarted_at: String(restartedAt) } })
}

/** systemd reports whole seconds: a kubelet that became active in the second of the intent may be the old one. */
const evidence: Looking = async (_request, { tools, begunAtUnixMs, signal }) => {
  const { activeState, activeEnterUnixMs } = await readUnit(tools.host, 'kubelet', signal)
  const facts = { kubelet: activeState, active_since: String(activeEnterUnixMs) }
  if (activeState !== 'active' || activeEnterUnixMs + 1000 <= begunAtUnixMs) return { ...facts, done: 'no' }
  return { ...facts, done: activeEnterUnixMs > begunAtUnixMs ? 'yes' : 'unknown' }
}

export const restartKubelet = changeOperation<RestartKubeletRequest>(restart, {
  evidence,
  carrier: { label: kubeletUnit, resume: restart },
})
