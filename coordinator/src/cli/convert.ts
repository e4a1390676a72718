import { exitCode, QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import { Command, Option } from 'commander'
import { line } from '../documents/document.js'
import { plan as planDocument } from '../documents/plan.js'
import type { RunOutcome } from '../engine/run-order.js'
import type { Session } from '../runs/context/session.js'
import { startConversion } from '../runs/convert.js'
import { approve, planConversion } from '../runs/plan.js'
import { askFor, requireSomebody } from './approval.js'
import { starter } from './caller.js'
import { closingReport } from './closing-report.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { detach, detachOption } from './detach.js'
import { exitCodeOf } from './exit-code.js'
import { namedClusterFile } from './named-cluster-file.js'
import { planText } from './render/plan.js'
import { makeStyle } from './render/style.js'
import { undoLive } from './rollback.js'
import { runLive } from './run-live.js'

interface Options extends CommonOptions {
  readonly file: string
  readonly yes?: boolean
  readonly plan?: string
  readonly onFailure?: 'stop' | 'rollback'
  readonly detach?: boolean
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('convert')
    .description(
      'Shows the plan, asks for approval, converts with live progress, and ends with the proof and the report. Ctrl-C stops the run at a safe place; ' +
        '`quorate resume RUN` continues it. With --detach the run does not depend on this terminal: follow it with `quorate watch RUN`.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file; - reads standard input')
    .option('--yes', 'do not ask for approval')
    .option('--plan <hash>', 'convert only if the plan still has this hash (from `quorate plan`)')
    .addOption(
      new Option('--on-failure <what>', 'when a step fails: keep the finished steps, or undo the run')
        .choices(['stop', 'rollback'])
        .default('stop'),
    )
    .addOption(detachOption())
    .addHelpText(
      'after',
      '\nExamples:\n  quorate convert -f cluster.yaml\n  quorate convert -f cluster.yaml --yes --plan 3f1a...    from a script: approves exactly this plan\n  quorate convert -f cluster.yaml --detach                asks, then converts in the background',
    )
    .action(async (_options, command: Command) => {
      finish(await convert(context, command.optsWithGlobals<Options>()))
    })

/** Plans, asks, runs and reports; returns the exit code. */
async function convert(
  context: CliContext,
  { file: path, output, state, yes = false, plan: hash, onFailure = 'stop', detach: inBackground = false }: Options,
): Promise<number> {
  const { terminal } = context
  if (!yes)
    requireSomebody(terminal, 'Read `quorate plan`, then use --yes (with --plan HASH to approve exactly that plan).')
  const { file, text } = await namedClusterFile(context, path)
  const session = await context.openSession(state)
  const plan = await planConversion(session, file)
  // A detached process: its starter has shown the plan.
  if (context.begun === undefined)
    terminal.out(
      output === 'json' ? line(planDocument, plan) : planText(plan, makeStyle(terminal.coloured), { diffs: !yes }),
    )
  approve(plan, hash)
  if (plan.approvals > 0 && onFailure === 'rollback')
    throw new QuorateError('USAGE', '--on-failure rollback is not possible where plans need approvals', {
      remedy: 'Leave it out. A rollback has its own plan, which is approved after the failure.',
    })
  if (!yes) await askFor(terminal, `Convert ${plan.cluster} now?`, { what: 'the plan', where: plan.cluster })
  if (inBackground) {
    const args = ['convert', '--file', path, '--yes', '--plan', plan.hash, '--on-failure', onFailure]
    return detach(context, { args, state, output })
  }
  const ended = await runLive(context, session, {
    output,
    start: (onEvent) =>
      startConversion(session, { file, fileText: text, approved: plan, by: starter(session.person), onEvent }),
  })
  const { id } = ended
  await closingReport(context, session, { id, output })
  if (onFailure === 'rollback' && mayUndo(ended)) return undoFailed(context, session, { id, output })
  return exitCodeOf(ended)
}

/** Not a failure that needs the operator first, and not a cluster that another coordinator has taken over. */
const mayUndo = ({ outcome, needsPerson, error }: RunOutcome): boolean =>
  outcome === 'failed' && !needsPerson && error?.code !== 'FENCED'

/** Undoes the failed run. The exit code still says that the conversion failed. */
async function undoFailed(
  context: CliContext,
  session: Session,
  { id, output }: { id: RunId; output: 'text' | 'json' },
): Promise<number> {
  if (output === 'text') context.terminal.out('\nThe run failed. Rolling it back (--on-failure rollback).\n')
  const undone = await undoLive(context, session, { id, output, keepEndpoint: false })
  return undone.outcome === 'done' ? exitCode.stepFailed : exitCodeOf(undone)
}
