import { exitCode } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { followRun, readRun } from '../runs/context/read-runs.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { exitCodeOfRun } from './exit-code.js'
import { progressView } from './progress-view.js'
import { lookingSignal } from './until-stopped.js'

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('watch')
    .description(
      'Follows a run in its journal, from start to end. Ctrl-C stops the watching, not the run. Exits with the exit code of the run.',
    )
    .argument('<run>', 'run ID')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate watch 20261122t221530-ab12cd\n  quorate watch 20261122t221530-ab12cd -o json',
    )
    .action(async (id: string, _options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const session = await context.openSession(state)
      const run = parseRunId(id)
      const { signal, unhook } = lookingSignal(context)
      const view = progressView(context.terminal, output, { seenNow: session.seenNow?.read })
      try {
        for await (const event of followRun(session, run, { after: 0, signal })) view.show(event)
      } finally {
        view.end()
        unhook()
      }
      finish(signal.aborted ? exitCode.interrupted : exitCodeOfRun(await readRun(session, run)))
    })
