import { resolve } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { reportFile } from '../documents/fleet.js'
import { reportHtml } from '../report/html/page.js'
import { makeReport } from '../report/run-report.js'
import { reportDocument } from '../report/schema.js'
import { reportText } from '../report/text.js'
import { readRun } from '../runs/context/read-runs.js'
import { undoSentences } from '../runs/undo-sentences.js'
import { writeDurably } from '../state/write-file.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { printable } from './render/style.js'

interface Options extends CommonOptions {
  readonly html?: string
}

export const makeCommand: CommandMaker = ({ terminal, openSession, now }) =>
  new Command('report')
    .description(
      'Shows what a run found, did and saw: the evidence of each gate, what clients noticed, which component connects to which API server, every file and ' +
        'object that it touched, its backups, and how to undo it by hand. Prints text or JSON (docs/schemas/report.schema.json), or writes one self-contained HTML file.',
    )
    .argument('<run>', 'run ID')
    .option('--html <file>', 'write one self-contained page for a browser or paper; replaces the file')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate report 20261122t221530-ab12cd\n  quorate report 20261122t221530-ab12cd --html report.html\n  quorate report 20261122t221530-ab12cd -o json > report.json',
    )
    .action(async (id: string, _options, command: Command) => {
      const { state, output, html } = command.optsWithGlobals<Options>()
      const report = makeReport(await readRun(await openSession(state), parseRunId(id)), undoSentences(), now())
      if (html !== undefined) {
        const file = await writePage(html, reportHtml(report))
        return terminal.out(output === 'json' ? line(reportFile, { file }) : `Wrote the report to ${file}\n`)
      }
      terminal.out(output === 'json' ? line(reportDocument, report) : printable(reportText(report)))
    })

/** Writes the page; returns its path. */
async function writePage(path: string, page: string): Promise<string> {
  const file = resolve(path)
  await writeDurably(file, page, 0o644).catch((cause: unknown) => {
    throw new QuorateError('USAGE', `cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      remedy: 'Name a file in an existing folder that you may write to.',
    })
  })
  return file
}
