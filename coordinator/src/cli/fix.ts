import { exitCode } from '@quorate/shared/errors'
import type { ClusterFile } from '../config/cluster-file.js'
import { line } from '../documents/document.js'
import { fixPlan as fixPlanDocument, verification as verificationDocument } from '../documents/plan.js'
import { planFix } from '../runs/fix/plan-fix.js'
import { startFix } from '../runs/fix/start-fix.js'
import { verifyCluster } from '../runs/verify.js'
import { askFor, requireSomebody } from './approval.js'
import { starter } from './caller.js'
import { closingReport } from './closing-report.js'
import type { CliContext } from './context.js'
import { exitCodeOf } from './exit-code.js'
import { neededText } from './render/approvals.js'
import { offersText } from './render/fix.js'
import { planText } from './render/plan.js'
import { makeStyle } from './render/style.js'
import { verificationText } from './render/verification.js'
import { runLive } from './run-live.js'
import { untilStopped } from './until-stopped.js'

export interface FixOptions {
  readonly state: string
  readonly output: 'text' | 'json'
  readonly yes: boolean
  readonly file: ClusterFile
  readonly fileText: string
  /** Of the cluster file. */
  readonly path: string
}

/** `verify --fix`: shows the findings and the steps that fix them; once approved, runs these steps and every proof. Returns the exit code. */
export async function fix(
  context: CliContext,
  { state, output, yes, file, fileText, path }: FixOptions,
): Promise<number> {
  const { terminal } = context
  if (!yes) requireSomebody(terminal, 'Use --yes.')
  const session = await context.openSession(state)
  const fixPlan = await untilStopped(context, (signal) => planFix(session, file, signal))
  if (fixPlan === undefined) return exitCode.interrupted
  const style = makeStyle(terminal.coloured)
  const { verification, plan } = fixPlan
  if (output === 'json') terminal.out(line(fixPlanDocument, fixPlan))
  else terminal.out(verificationText(verification, style) + offersText(fixPlan, style))
  if (plan.steps.length === 0) return verification.highlyAvailable ? exitCode.done : exitCode.notHighlyAvailable
  if (output === 'text')
    terminal.out(planText({ ...plan, findings: [] }, style, { diffs: !yes }) + neededText(plan, 'fix', { of: path }))
  if (!yes) await askFor(terminal, `Fix ${plan.cluster} now?`, { what: 'the fix', where: plan.cluster })
  const ended = await runLive(context, session, {
    output,
    start: (onEvent) => startFix(session, { file, fileText, approved: fixPlan, by: starter(session.person), onEvent }),
  })
  await closingReport(context, session, { id: ended.id, output })
  if (ended.outcome !== 'done') return exitCodeOf(ended)
  const after = await untilStopped(context, (signal) => verifyCluster(session, file, signal))
  if (after === undefined) return exitCode.interrupted
  terminal.out(output === 'json' ? line(verificationDocument, after) : `\n${verificationText(after, style)}`)
  return after.highlyAvailable ? exitCode.done : exitCode.notHighlyAvailable
}
