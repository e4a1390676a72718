import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { resumeConversion } from '../runs/resume.js'
import { closingReport } from './closing-report.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { detach, detachOption } from './detach.js'
import { exitCodeOf } from './exit-code.js'
import { runLive } from './run-live.js'

interface Options extends CommonOptions {
  readonly acceptChanges?: boolean
  readonly detach?: boolean
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('resume')
    .description(
      'Continues a run after a crash, a failure or an interruption, from the current state of the cluster: waits for operations that still run on a node, ' +
        'finishes started actions and skips verified ones. If it would do anything else than was approved, it lists the differences and does nothing (exit code 3).',
    )
    .argument('<run>', 'run ID; its journal may come from another machine')
    .option('--accept-changes', 'continue although something differs from the approved plan')
    .addOption(detachOption())
    .addHelpText(
      'after',
      '\nExamples:\n  quorate resume 20261122t221530-ab12cd\n  quorate resume 20261122t221530-ab12cd --accept-changes',
    )
    .action(async (id: string, _options, command: Command) => {
      finish(await resume(context, id, command.optsWithGlobals<Options>()))
    })

async function resume(context: CliContext, id: string, options: Options): Promise<number> {
  const { state, output, acceptChanges = false, detach: inBackground = false } = options
  const session = await context.openSession(state)
  const run = parseRunId(id)
  const before = await session.runs.read(run)
  if (inBackground) {
    const args = ['resume', run, ...(acceptChanges ? ['--accept-changes'] : [])]
    return detach(context, { args, state, output })
  }
  const ended = await runLive(context, session, {
    output,
    before,
    start: (onEvent) => resumeConversion(session, { id: run, acceptChanges, onEvent }),
  })
  await closingReport(context, session, { id: run, output })
  return exitCodeOf(ended)
}
