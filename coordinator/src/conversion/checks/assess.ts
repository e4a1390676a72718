import { asQuorateError, type ErrorCode, type QuorateError } from '@quorate/shared/errors'
import type { MissingNode } from '../../engine/absence.js'
import type { PlannedStep } from '../../engine/plan.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { adminKubeconfigMissing } from './admin-kubeconfig.js'
import type { Check } from './check.js'
import { folderRefused } from './cluster-folders.js'

/** A finding with the operator's reason where the cluster file says to ignore it. */
export interface Assessed extends Finding {
  readonly ignoredBecause?: string
}

/** A node that does not answer cannot be assessed, so this finding cannot be ignored. */
const neverIgnored = new Set([
  'agent-unreachable',
  'agent-untrusted',
  'agent-failed',
  'check-failed',
  'not-permitted',
  'not-planned',
])

const findingOf: Partial<Record<ErrorCode, string>> = {
  AGENT_UNREACHABLE: 'agent-unreachable',
  AGENT_UNTRUSTED: 'agent-untrusted',
  IDENTITY_REVOKED: 'agent-untrusted',
  NODE_REVOKED: 'agent-untrusted',
}

/** Whether agents refuse this caller a measurement: it is a fact about the caller, not about the cluster. What a node says to an operator is no excuse. */
export const isNotPermitted = (run: Pick<ConversionRun, 'looksOnly'>, { code }: QuorateError): boolean =>
  run.looksOnly && code === 'ACCESS_DENIED'

/** True for what stops a run before anything is changed. */
export const isBlocking = (finding: Assessed): boolean =>
  finding.severity === 'error' && finding.ignoredBecause === undefined

/**
 * Runs all checks at once; all report. A node that does not answer and a check that breaks are findings too, never a crash.
 * `facts` says whether every node answered that cannot be done without.
 */
export async function assess(
  run: ConversionRun,
  checks: readonly Check[],
): Promise<{ findings: readonly Assessed[]; facts: 'complete' | 'incomplete' }> {
  const silent = await silentNodes(run)
  const unanswered = new Set(silent.map(({ node }) => node))
  const found = await Promise.all(checks.map((check) => runCheck(run, check, unanswered)))
  const findings = [...silent, ...mergeFailed(run, found.flat())].map((finding) =>
    withReason(finding, run.file.policy.ignoreFindings),
  )
  const order = { error: 0, warning: 1, info: 2 } as const
  return {
    findings: findings.sort((a, b) => order[a.severity] - order[b.severity]),
    facts: silent.some(({ severity }) => severity === 'error') ? 'incomplete' : 'complete',
  }
}

/** A finding for each node whose agent does not answer or is not trusted: a warning for a worker that the conversion does not need. */
export async function silentNodes(run: ConversionRun): Promise<readonly Finding[]> {
  const answers = await Promise.all(run.machines.map((node) => reach(run, node.name)))
  const missing = run.absence.missing().map(missingFinding)
  const names = new Set(missing.map(({ node }) => node))
  return [...answers.flat().filter(({ node }) => !names.has(node ?? '')), ...missing]
}

const missingFinding = ({ node, message }: MissingNode) => ({
  id: 'worker-missing',
  severity: 'warning' as const,
  node,
  message: `it is converted when it returns: ${message}. Until then it keeps using the first control plane's own address, which keeps working`,
  evidence: 'AGENT_UNREACHABLE',
  remedy:
    'Start its quorate-agent or the machine, if possible. Otherwise run `quorate resume RUN` when it returns; `quorate serve` converts it automatically. Until then `quorate verify` fails (exit 7).',
})

async function reach(run: ConversionRun, node: string): Promise<readonly Finding[]> {
  try {
    await run.nodeFacts(node)
    return []
  } catch (thrown) {
    const error = asQuorateError(thrown, node)
    return [
      {
        id: findingOf[error.code] ?? 'agent-failed',
        severity: 'error',
        node,
        message: error.message,
        evidence: error.code,
        remedy: error.remedy,
      },
    ]
  }
}

/** The findings of a check, or the reason why it failed. */
type Found = Finding | { readonly failed: string; readonly error: QuorateError }

/** A text that cannot be read: its message names file or key with the line, and is one finding's evidence. */
const unreadable = new Set<ErrorCode>(['KUBECONFIG_INVALID', 'CONFIG_MAP_INVALID', 'MANIFEST_INVALID'])

/** The finding itself says what to do about it. */
const isTold = ({ code, message }: QuorateError, found: readonly Found[]): boolean =>
  found.some(
    (each) =>
      'id' in each &&
      ((code === adminKubeconfigMissing.code && each.id === adminKubeconfigMissing.id) ||
        (code === folderRefused.code && each.id === folderRefused.id && message.includes(each.evidence)) ||
        (unreadable.has(code) && each.evidence.includes(message))),
  )

/** Where the cluster itself cannot be read most checks fail for the same reason: reported once, with their names. */
function mergeFailed(run: ConversionRun, found: readonly Found[]): readonly Finding[] {
  const reasons = new Map<string, { error: QuorateError; checks: string[] }>()
  for (const each of found) {
    if (!('failed' in each) || isTold(each.error, found)) continue
    const { code, where, message } = each.error
    const reason = isNotPermitted(run, each.error) ? code : `${code} ${where} ${message}`
    const known = reasons.get(reason)
    if (known === undefined) reasons.set(reason, { error: each.error, checks: [each.failed] })
    else known.checks.push(each.failed)
  }
  const failed = [...reasons.values()].map(
    ({ error, checks }): Finding =>
      isNotPermitted(run, error)
        ? notPermitted(error, checks)
        : {
            id: 'check-failed',
            severity: 'error',
            ...placeOf(run, error),
            message: `${named(run, error)}${error.message}`,
            evidence: `${error.code}; not checked: ${checks.join(', ')}`,
            remedy: error.remedy,
          },
  )
  return [...found.filter((each): each is Finding => !('failed' in each)), ...failed]
}

const notPermitted = ({ code, message }: QuorateError, checks: readonly string[]): Finding => ({
  id: 'not-permitted',
  severity: 'warning',
  message: `not checked with this identity: ${message}`,
  evidence: `${code}; not checked: ${checks.join(', ')}`,
  remedy: "Nothing to do: an operator's `quorate plan` makes these checks, and so does the run before it starts.",
})

/** The same error stops more than one step: reported once, with their names. */
export function unplannedFindings(run: ConversionRun, steps: readonly PlannedStep[]): readonly Assessed[] {
  const reasons = new Map<string, { message: string; error: NonNullable<PlannedStep['unplanned']>; ids: string[] }>()
  for (const { id, problem, unplanned } of steps) {
    if (problem === undefined || unplanned === undefined) continue
    const key = `${unplanned.code} ${unplanned.where} ${problem}`
    const known = reasons.get(key)
    if (known === undefined) reasons.set(key, { message: problem, error: unplanned, ids: [id] })
    else known.ids.push(id)
  }
  return [...reasons.values()].map(({ message, error, ids }) => ({
    id: 'not-planned',
    severity: 'error',
    ...placeOf(run, error),
    message: `${named(run, error)}${message}`,
    evidence: `${error.code}; not planned: ${ids.join(', ')}`,
    remedy: error.remedy,
  }))
}

/** An error knows a node, or an object of the API, which is on none. */
const placeOf = (run: ConversionRun, { where }: { readonly where?: string | undefined }): { readonly node?: string } =>
  where !== undefined && run.machines.some(({ name }) => name === where) ? { node: where } : {}

const named = (run: ConversionRun, error: { readonly where?: string | undefined }): string =>
  error.where === undefined || placeOf(run, error).node !== undefined ? '' : `${error.where}: `

async function runCheck(
  run: ConversionRun,
  check: Check,
  unanswered: ReadonlySet<string | undefined>,
): Promise<readonly Found[]> {
  try {
    return await check.check(run)
  } catch (thrown) {
    const error = asQuorateError(thrown)
    // The node is already reported: each check that wanted its facts would only repeat it.
    if (error.where !== undefined && unanswered.has(error.where)) return []
    return [{ failed: check.id, error }]
  }
}

function withReason(finding: Finding, reasons: Readonly<Record<string, string>>): Assessed {
  const reason = neverIgnored.has(finding.id) ? undefined : reasons[finding.id]
  return reason === undefined ? finding : { ...finding, ignoredBecause: reason }
}
