import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { readClusterFile } from '../config/read-cluster-file.js'
import {
  approve,
  type Plan,
  planConversion,
  readRun,
  type Session,
  type StartRequest,
  startConversion,
} from '../conversion/session.js'
import { undoSentences } from '../conversion/undo-sentences.js'
import { makeReport } from '../report/run-report.js'
import { reportText } from '../report/text.js'
import type { CliContext, CommonOptions } from './context.js'
import { exitCodeOf } from './exit-code.js'
import type { CommandMaker } from './program.js'
import { planText } from './render/plan.js'
import { progressView } from './render/progress-view.js'
import { makeStyle, printable } from './render/style.js'
import type { Terminal } from './terminal.js'

interface Options extends CommonOptions {
  readonly file: string
  readonly yes?: boolean
  readonly plan?: string
}

export const convertCommand: CommandMaker = (context, finish) =>
  new Command('convert')
    .summary('convert the cluster')
    .description(
      'Shows the plan, asks, does it with live progress, and ends with the proof and the report. Stop it with Ctrl-C at any time: it ends at a safe\n' +
        'place, and the same command again goes on from what is true then: finished steps plan nothing.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file')
    .option('--yes', 'do not ask')
    .option('--plan <hash>', 'only if the plan is still the one with this hash (from `quorate plan`)')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate convert -f cluster.yaml\n  quorate convert -f cluster.yaml --yes --plan 3f1a...    from a script, exactly the plan that was read',
    )
    .action(async (_options, command: Command) => {
      finish(await convert(context, command.optsWithGlobals<Options>()))
    })

/** Plans, asks, runs, reports; answers the exit code. */
async function convert(
  context: CliContext,
  { file: path, output, state, yes = false, plan: hash }: Options,
): Promise<number> {
  const { terminal } = context
  if (!yes && !terminal.canAsk) {
    throw new QuorateError('USAGE', 'nobody can be asked here: this is not a terminal', {
      remedy: 'Read `quorate plan`, then add --yes (and --plan HASH to allow exactly that plan).',
    })
  }
  const { file, text } = await readClusterFile(path)
  const session = await context.openSession(state)
  const plan = await planConversion(session, file)
  terminal.out(
    output === 'json'
      ? `${JSON.stringify({ type: 'plan', ...plan })}\n`
      : planText(plan, makeStyle(terminal.coloured), { diffs: !yes }),
  )
  approve(plan, hash)
  if (!yes) await askFor(terminal, plan)
  const { id, outcome, needsPerson } = await runPlan(context, session, { file, fileText: text, approved: plan, output })
  const report = makeReport(await readRun(session, id), undoSentences(), context.now())
  terminal.out(
    output === 'json' ? `${JSON.stringify({ type: 'report', ...report })}\n` : `\n${printable(reportText(report))}`,
  )
  return exitCodeOf(outcome, needsPerson)
}

async function runPlan(
  context: CliContext,
  session: Session,
  { output, ...request }: Omit<StartRequest, 'onEvent'> & { output: 'text' | 'json' },
) {
  const view = progressView(context.terminal, output)
  try {
    const { id, stop, ended } = await startConversion(session, { ...request, onEvent: (event) => view.show(event) })
    const unhook = context.onStop(stopGently(stop, (line) => view.say(line)))
    return { id, ...(await ended.finally(unhook)) }
  } finally {
    view.end()
  }
}

async function askFor(terminal: Terminal, plan: Plan): Promise<void> {
  const answer = await terminal.ask(`Convert ${plan.cluster} now? [y/n] `)
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new QuorateError('NOT_APPROVED', 'the plan was not approved', { where: plan.cluster })
}

/** The first signal stops after what runs; a second one says why it still waits, because ending at once would help nobody. */
function stopGently(stop: () => void, say: (line: string) => void): () => void {
  let asked = false
  return () => {
    say(
      asked
        ? 'Still waiting for what runs on a node: it would go on there even without this program. Killing this program (kill -9) is safe too; `quorate convert` goes on from what is true then.'
        : 'Stopping: what runs now comes to its end, nothing new is begun.',
    )
    asked = true
    stop()
  }
}
