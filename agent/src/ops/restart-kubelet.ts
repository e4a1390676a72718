import { QuorateError } from '@quorate/shared/errors'
import type { RestartKubeletRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, notYet, until } from '@quorate/shared/until'
import { commands } from '../host/commands.js'
import { readUnit } from '../host/unit-state.js'
import { changeOperation } from './operation.js'
import { changed } from './result.js'
import { runUnitCommand } from './run-unit.js'

const activeDeadlineMs = 60_000

/**
 * Restarts the kubelet by PID 1; containers go on. Fact `restarted_at`: this node's clock, Unix milliseconds, when the new kubelet
 * runs: a lease renewed later was renewed by it, not by the one that was stopped.
 */
export const restartKubelet = changeOperation<RestartKubeletRequest>(async (_request, context) => {
  const { host } = context.tools
  const { loadState } = await readUnit(host, 'kubelet', context.signal)
  if (loadState !== 'loaded') {
    throw new QuorateError('COMMAND_FAILED', `this node has no kubelet service (${loadState})`, {
      remedy: 'On that node: `systemctl status kubelet`; the kubelet must be a service of systemd.',
    })
  }
  await runUnitCommand(context, 'kubelet', commands.restartKubelet())
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
})
