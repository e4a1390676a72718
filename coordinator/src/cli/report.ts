import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { readRun } from '../conversion/session.js'
import { undoSentences } from '../conversion/undo-sentences.js'
import { makeReport } from '../report/run-report.js'
import { reportText } from '../report/text.js'
import type { CommonOptions } from './context.js'
import type { CommandMaker } from './program.js'
import { printable } from './render/style.js'

export const reportCommand: CommandMaker = ({ terminal, openSession, now }) =>
  new Command('report')
    .summary('a run as a document')
    .description(
      'What a run did, with each gate\u2019s evidence, every file and object that it touched, its backups, and how to undo it by hand.',
    )
    .argument('<run>', 'id of a run')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate report 20261122t221530-ab12cd\n  quorate report 20261122t221530-ab12cd -o json > report.json',
    )
    .action(async (id: string, _options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const report = makeReport(await readRun(await openSession(state), parseRunId(id)), undoSentences(), now())
      terminal.out(output === 'json' ? `${JSON.stringify(report)}\n` : printable(reportText(report)))
    })
