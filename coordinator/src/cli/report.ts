import { resolve } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { reportHtml } from '../report/html/page.js'
import { makeReport } from '../report/run-report.js'
import { reportText } from '../report/text.js'
import { readRun } from '../runs/read-runs.js'
import { undoSentences } from '../runs/undo-sentences.js'
import { writeDurably } from '../state/write-file.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { printable } from './render/style.js'

interface Options extends CommonOptions {
  readonly html?: string
}

export const reportCommand: CommandMaker = ({ terminal, openSession, now }) =>
  new Command('report')
    .summary('a run as a document')
    .description(
      'What a run found, did and saw: each gate’s evidence, what clients noticed, who talks to whom, every file and object that it touched, its\n' +
        'backups, and how to undo it by hand. As text, as JSON (docs/report.schema.json), or as one HTML file that needs nothing else.',
    )
    .argument('<run>', 'id of a run')
    .option('--html <file>', 'write it as one self-contained page for a browser or paper; replaces the file')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate report 20261122t221530-ab12cd\n  quorate report 20261122t221530-ab12cd --html report.html\n  quorate report 20261122t221530-ab12cd -o json > report.json',
    )
    .action(async (id: string, _options, command: Command) => {
      const { state, output, html } = command.optsWithGlobals<Options>()
      const report = makeReport(await readRun(await openSession(state), parseRunId(id)), undoSentences(), now())
      if (html !== undefined) {
        const file = await writePage(html, reportHtml(report))
        return terminal.out(output === 'json' ? `${JSON.stringify({ file })}\n` : `The report is in ${file}\n`)
      }
      terminal.out(output === 'json' ? `${JSON.stringify(report)}\n` : printable(reportText(report)))
    })

/** Writes the page; answers its path. */
async function writePage(path: string, page: string): Promise<string> {
  const file = resolve(path)
  await writeDurably(file, page, 0o644).catch((cause: unknown) => {
    throw new QuorateError('USAGE', `cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      remedy: 'Name a file in a folder that is there and that you may write to.',
    })
  })
  return file
}
