import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { listRuns, readRun } from '../conversion/session.js'
import type { CommonOptions } from './context.js'
import type { CommandMaker } from './program.js'
import { runsText, runText } from './render/runs.js'
import { makeStyle } from './render/style.js'

export const statusCommand: CommandMaker = ({ terminal, openSession, now }) =>
  new Command('status')
    .summary('what runs did and are doing')
    .description(
      'Without RUN: all runs of this state folder, newest first. With RUN: its steps, what runs or failed, and what to do next.',
    )
    .argument('[run]', 'id of a run')
    .addHelpText('after', '\nExamples:\n  quorate status\n  quorate status 20261122t221530-ab12cd')
    .action(async (id: string | undefined, _options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const session = await openSession(state)
      if (id === undefined) {
        const runs = await listRuns(session)
        return terminal.out(output === 'json' ? `${JSON.stringify({ runs })}\n` : runsText(runs, now()))
      }
      const run = await readRun(session, parseRunId(id))
      terminal.out(output === 'json' ? `${JSON.stringify(run)}\n` : runText(run, now(), makeStyle(terminal.coloured)))
    })
