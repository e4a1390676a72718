import { parseRunId, type RunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { rollbackPlan } from '../documents/plan.js'
import { undoAvailability } from '../documents/run.js'
import type { RunOutcome } from '../engine/run-order.js'
import { wayLines } from '../report/text.js'
import { waysIn } from '../report/ways.js'
import { readRun } from '../runs/context/read-runs.js'
import type { Session } from '../runs/context/session.js'
import { optionsOf, planRollback, startRollback } from '../runs/rollback.js'
import { askFor, requireSomebody } from './approval.js'
import { starter } from './caller.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { detach, detachOption } from './detach.js'
import { exitCodeOf } from './exit-code.js'
import { neededText } from './render/approvals.js'
import { rollbackText } from './render/rollback.js'
import { makeStyle, printable } from './render/style.js'
import { runLive } from './run-live.js'

interface Options extends CommonOptions {
  readonly yes?: boolean
  readonly keepEndpoint?: boolean
  readonly detach?: boolean
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('rollback')
    .description(
      'Shows what it undoes and what it cannot undo, asks for approval, and undoes the run in reverse order. Files and objects are restored byte for byte; ' +
        'joined members leave etcd one by one, its quorum predicted before each. If it was stopped or killed, run the same command again to continue.',
    )
    .argument('<run>', 'run ID')
    .option('--yes', 'do not ask for approval')
    .option('--keep-endpoint', 'undo only the joins: load balancer, certificate and kubeconfigs stay')
    .addOption(detachOption())
    .addHelpText(
      'after',
      '\nExamples:\n  quorate rollback 20261122t221530-ab12cd\n  quorate rollback 20261122t221530-ab12cd --yes --keep-endpoint',
    )
    .action(async (id: string, _options, command: Command) => {
      finish(await rollback(context, parseRunId(id), command.optsWithGlobals<Options>()))
    })

async function rollback(
  context: CliContext,
  id: RunId,
  { state, output, yes = false, keepEndpoint = false, detach: inBackground = false }: Options,
): Promise<number> {
  const { terminal } = context
  if (!yes) requireSomebody(terminal, 'Use --yes.')
  const session = await context.openSession(state)
  const plan = await planRollback(session, { id, keepEndpoint })
  // A detached process: its starter has shown the plan.
  if (context.begun === undefined)
    terminal.out(
      output === 'json'
        ? line(rollbackPlan, plan)
        : rollbackText(plan, makeStyle(terminal.coloured)) +
            neededText(plan, 'rollback', { of: id, options: optionsOf({ keepEndpoint }) }),
    )
  if (!yes && plan.impossible.length === 0) {
    const refused = { what: 'the rollback', where: plan.cluster }
    await askFor(terminal, `Undo run ${plan.run} of ${plan.cluster} now?`, refused)
  }
  if (inBackground) {
    const args = ['rollback', id, '--yes', ...(keepEndpoint ? ['--keep-endpoint'] : [])]
    return detach(context, { args, state, output })
  }
  return exitCodeOf(await undoLive(context, session, { id, output, keepEndpoint }))
}

export interface UndoOptions {
  readonly id: RunId
  readonly output: 'text' | 'json'
  readonly keepEndpoint: boolean
}

/** Undoes a run, shown live. */
export async function undoLive(
  context: CliContext,
  session: Session,
  { id, output, keepEndpoint }: UndoOptions,
): Promise<RunOutcome> {
  const outcome = await runLive(context, session, {
    output,
    before: await session.runs.read(id),
    start: (onEvent) => startRollback(session, { id, keepEndpoint, by: starter(session.person), onEvent }),
  })
  await sayWhatWasLost(context, session, { id, output })
  if (outcome.outcome === 'done' && output === 'text') context.terminal.out(`\nRun ${id} is undone.\n`)
  if (outcome.error !== undefined && output === 'text')
    context.terminal.out(`\n${outcome.error.where}: ${outcome.error.message}\n  next: ${outcome.error.remedy}\n`)
  return outcome
}

/** What users and pods saw of the API during the rollback, as at the end of a conversion. */
async function sayWhatWasLost(
  { terminal }: CliContext,
  session: Session,
  { id, output }: Omit<UndoOptions, 'keepEndpoint'>,
): Promise<void> {
  const { rollback: undo, availability } = await readRun(session, id)
  const seen = availability.filter(({ from }) => undo !== undefined && from >= undo.startedAt)
  if (output === 'json') terminal.out(line(undoAvailability, { run: id, ways: seen }))
  else if (seen.length > 0)
    terminal.out(
      `\n${printable(
        `During the rollback\n${waysIn(seen)
          .flatMap(wayLines)
          .map((line) => `  ${line}\n`)
          .join('')}`,
      )}`,
    )
}
