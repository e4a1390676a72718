import { mostApprovalHours, signApproval } from '@quorate/shared/approval'
import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { readCertificate } from '@quorate/shared/pki'
import { Command } from 'commander'
import { approvals as approvalsDocument } from '../documents/approvals.js'
import { line } from '../documents/document.js'
import { type PlanToApprove, planToApprove, type ToApprove } from '../runs/all-kinds/plan-to-approve.js'
import { giveApproval, statementFor } from '../runs/approvals/give.js'
import type { Approvable } from '../runs/approvals/judge.js'
import type { Session } from '../runs/context/session.js'
import { readOwnIdentity } from '../state/own-identity.js'
import { askFor, requireSomebody } from './approval.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { type DrillOptions, drillOptions, drillRequest } from './drill.js'
import { namedClusterFile } from './named-cluster-file.js'
import { readPlanDocument } from './plan-document.js'
import { approvalsText } from './render/approvals.js'
import { drillPlanText } from './render/drill.js'
import { offersText } from './render/fix.js'
import { planText } from './render/plan.js'
import { rollbackText } from './render/rollback.js'
import { makeStyle, type Style } from './render/style.js'
import { verificationText } from './render/verification.js'
import { readText } from './text-file.js'
import { untilStopped } from './until-stopped.js'

interface Options extends CommonOptions, DrillOptions {
  readonly file?: string
  readonly fix?: boolean
  readonly drill?: boolean
  readonly rollback?: string
  readonly keepEndpoint?: boolean
  readonly plan?: string
  readonly hours: string
  readonly yes?: boolean
}

/** A plan as it was shown to the approver. */
interface Shown {
  readonly plan: Approvable
  readonly text: string
}

export const makeCommand: CommandMaker = (context) =>
  drillOptions(
    new Command('approve')
      .description(
        'Plans again, shows the plan, and signs it with your own key if it still has this hash. The run starts when as many approvers have signed as the ' +
          'cluster file says (`policy.approvals`), none of whom starts it. With --plan it needs neither state folder nor agents: it shows the plan of a JSON ' +
          'document and prints the signed approval, for `quorate approvals add` or POST /v1/approvals.',
      )
      .argument('<hash>', 'hash of the plan, from `quorate plan` or the command that needs the approval')
      .option('-f, --file <cluster.yaml>', 'the cluster file; - reads standard input')
      .option('--fix', 'a plan of `quorate verify --fix`')
      .option('--drill', 'a plan of `quorate drill`, with the same options')
      .option('--rollback <run>', 'the rollback of this run')
      .option('--keep-endpoint', 'with --rollback, as there')
      .option('--plan <file>', 'the plan as a JSON document (-o json), instead of planning again')
      .option('--hours <hours>', `until the approval expires, at most ${mostApprovalHours}`, '24')
      .option('--yes', 'do not ask'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  quorate approve 3f1a... -f cluster.yaml --identity ~/alice\n  quorate approve 3f1a... --rollback 20261122t221530-ab12cd --identity ~/alice\n' +
        '  quorate approve 3f1a... --plan plan.json --identity ~/alice > approval.json',
    )
    .action((hash: string, _options, command: Command) => approve(context, hash, command.optsWithGlobals<Options>()))

async function approve(context: CliContext, hash: string, options: Options): Promise<void> {
  const { terminal, now } = context
  const { yes = false, plan: document, identity: folder, state, output } = options
  const hours = Number(options.hours)
  if (!Number.isInteger(hours) || hours < 1 || hours > mostApprovalHours)
    throw new QuorateError('USAGE', `--hours takes a number from 1 to ${mostApprovalHours}`)
  if (folder === undefined)
    throw new QuorateError('USAGE', 'an approval is signed with your own identity: --identity DIR is required', {
      remedy: 'Name the folder of `quorate identity issue NAME --role approver --to DIR` with --identity.',
    })
  if (!yes) requireSomebody(terminal, 'Use --yes.')
  const identity = await readOwnIdentity(folder, now())
  const style = makeStyle(terminal.coloured)
  const session = document === undefined ? await context.openSession(state) : undefined
  const shown = await showPlan(context, { session, options, style })
  requireSame(shown.plan, hash)
  // With --plan standard output has the approval alone.
  if (session === undefined) terminal.err(shown.text)
  else if (output === 'text') terminal.out(shown.text)
  const { kind, cluster } = shown.plan
  if (!yes) await askFor(terminal, `Approve this ${kind} of ${cluster}?`, { what: 'the plan', where: cluster })
  const approver = readCertificate(identity.certPem).commonName
  const statement = statementFor(shown.plan, { approver, caPem: identity.caPem, at: now(), hours })
  const signed = signApproval(statement, identity)
  if (session === undefined) return terminal.out(`${JSON.stringify(signed)}\n`)
  const given = await giveApproval(session, signed, shown.plan)
  terminal.out(output === 'json' ? line(approvalsDocument, { approvals: [given] }) : approvalsText([given]))
}

function requireSame({ cluster, planHash }: Approvable, hash: string): void {
  if (planHash === hash) return
  throw new QuorateError('PLAN_CHANGED', `the current plan is ${planHash}, not ${hash}: nothing was signed`, {
    where: cluster,
    remedy:
      'The cluster or the cluster file has changed since. Review the current plan, and approve it by its own hash.',
  })
}

interface Sources {
  /** Undefined with --plan. */
  readonly session: Session | undefined
  readonly options: Options
  readonly style: Style
}

async function showPlan(context: CliContext, { session, options, style }: Sources): Promise<Shown> {
  if (session === undefined) {
    const { plan: path = '' } = options
    return readPlanDocument(await readText(path), path, style)
  }
  const wish = await toApprove(context, options)
  const planned = await untilStopped(context, (signal) => planToApprove(session, wish, signal))
  if (planned === undefined) throw new QuorateError('NOT_APPROVED', 'stopped before the plan was shown')
  return { plan: planned.about, text: textOf(planned, style) }
}

async function toApprove(context: CliContext, options: Options): Promise<ToApprove> {
  const { rollback, keepEndpoint = false, file: path } = options
  if (rollback !== undefined) return { kind: 'rollback', id: parseRunId(rollback), keepEndpoint }
  if (path === undefined)
    throw new QuorateError('USAGE', 'the plan to approve is not named', {
      remedy: 'Use -f cluster.yaml, --rollback RUN, or --plan plan.json.',
    })
  const { file, text: fileText } = await namedClusterFile(context, path)
  if (options.drill === true) return { kind: 'drill', request: drillRequest(options, { file, fileText }) }
  return { kind: options.fix === true ? 'fix' : 'convert', file }
}

/** As the command shows it that needs the approval. */
function textOf({ kind, plan }: PlanToApprove, style: Style): string {
  switch (kind) {
    case 'convert':
      return planText(plan, style)
    case 'fix':
      return (
        verificationText(plan.verification, style) +
        offersText(plan, style) +
        planText({ ...plan.plan, findings: [] }, style)
      )
    case 'drill':
      return drillPlanText(plan, style)
    case 'rollback':
      return rollbackText(plan, style)
  }
}
