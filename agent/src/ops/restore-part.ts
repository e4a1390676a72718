import type { Part, RestorePartRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import { commands } from '../host/commands.js'
import { readUnit, readUnits } from '../host/unit-state.js'
import { runningContainers } from './cluster/running-containers.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { runUnitCommand } from './context/run-unit.js'
import type { Tools } from './context/tools.js'
import { containersOf, partOfNode, putBackTimer } from './drill/parts.js'

/** A container that has just exited is restarted at once, etcd's API server only when etcd answers. */
const deadlineMs = 120_000

/**
 * Starts the enabled units of a part and disarms the timer, in this order: the part is never down without a pending restart. If it is repeated,
 * or the timer or a reboot has already done it, there is nothing to do.
 */
export const restorePart = changeOperation<RestorePartRequest>(
  async ({ part }, context) => {
    const { tools, signal, progress } = context
    const { units, isArmed } = await state(tools, part, signal)
    if (!isArmed && (await isUp(tools, part, signal)).holds) return unchanged('every part runs')
    await runUnitCommand(context, 'start', commands.startServices(units))
    if (isArmed) await tools.host.run(commands.stopUnit(putBackTimer))
    const startedAt = Date.now()
    await until('every part to run', () => isUp(tools, part, signal), {
      ...{ deadlineMs, everyMs: 250, signal },
      onWaiting: progress,
    })
    return changed({ summary: `started ${units.join(', ')}`, facts: { started_at: String(startedAt) } })
  },
  {
    evidence: async ({ part }, { tools, signal }) => {
      const { isArmed } = await state(tools, part, signal)
      return doneIf(!isArmed && (await isUp(tools, part, signal)).holds)
    },
  },
)

/** The stopped units, if there are any: those that are enabled. */
async function state(tools: Tools, part: Part, signal: AbortSignal) {
  const { units, ifRunning } = await partOfNode(tools.host, part)
  const all = [...units, ...ifRunning]
  const seen = await readUnits(tools.host, all, signal)
  return {
    units: all.filter((_, index) => seen[index]?.unitFileState.startsWith('enabled')),
    isArmed: (await readUnit(tools.host, putBackTimer, signal)).loadState === 'loaded',
  }
}

async function isUp(tools: Tools, part: Part, signal: AbortSignal): Promise<Look<true>> {
  const containers = await containersOf(part, tools.host)
  const { units } = await state(tools, part, signal)
  const seen = await readUnits(tools.host, units, signal)
  const down = units.filter((_, index) => seen[index]?.activeState !== 'active')
  const up = await runningContainers(tools, containers, signal)
  const missing = containers.filter((name) => !up.some((one) => one.name === name))
  return down.length + missing.length === 0 ? holds(true) : notYet(`not running: ${[...down, ...missing].join(', ')}`)
}
