import type { RunId } from '@quorate/shared/names'
import { line } from '../documents/document.js'
import { makeReport } from '../report/run-report.js'
import { reportDocument } from '../report/schema.js'
import { reportText } from '../report/text.js'
import { readRun } from '../runs/context/read-runs.js'
import type { Session } from '../runs/context/session.js'
import { undoSentences } from '../runs/undo-sentences.js'
import type { CliContext } from './context.js'
import { printable } from './render/style.js'

/** Ends a run that was shown live with its report: one more line of JSON, or text below the progress. */
export async function closingReport(
  { terminal, now }: CliContext,
  session: Session,
  { id, output }: { readonly id: RunId; readonly output: 'text' | 'json' },
): Promise<void> {
  const report = makeReport(await readRun(session, id), undoSentences(), now())
  terminal.out(
    output === 'json'
      ? line(reportDocument, report)
      : `\n${printable(reportText(report))}\nThis report as an HTML page: quorate report ${id} --html report.html\n`,
  )
}
