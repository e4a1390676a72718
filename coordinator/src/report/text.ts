import { rfc3339 } from '@quorate/shared/clock'
import { stalledMsOf } from '../engine/availability.js'
import { failedBefore, reasonsOf } from './attempts.js'
import { certificatesOf } from './certificates.js'
import { hasOwnSection } from './run-report.js'
import type { ReportedFinding, ReportedStep, RunReport } from './schema.js'
import { type Way, waysOf } from './ways.js'
import { duration, plural } from './words.js'

/** The report as text, for a terminal, a ticket or an email. */
export function reportText(report: RunReport): string {
  const sections = [
    head(report),
    section(
      'Missing',
      report.missing.map(({ node, since, message }) => `${node} since ${rfc3339(since)}: ${message}`),
    ),
    section('Left to do elsewhere', report.elsewhere),
    section('Attempts', attemptLines(report)),
    section('Availability', waysOf(report).flatMap(wayLines)),
    section(
      report.purpose === 'fix' ? 'What no step fixes' : 'Findings before the run',
      report.findings.flatMap(findingLines),
    ),
    section(
      'Steps',
      report.steps.flatMap((step) => stepLines(step, report)),
    ),
    section('Proof', report.proof.map(inWords)),
    section('etcd', memberLines(report)),
    section('New certificates', certificateLines(report)),
    section(
      'Touched (sha256 before -> after)',
      report.touched.map(
        ({ node, name, sha256Before, sha256After }) =>
          `${node}: ${name}  ${short(sha256Before)} -> ${short(sha256After)}`,
      ),
    ),
    section('Backups', backupLines(report)),
    section(
      'Ignored findings',
      Object.entries(report.ignored).map(([id, reason]) => `${id}: ${reason}`),
    ),
    section(
      'How to undo the run by hand, in this order',
      report.undo.map(({ step, how, nodes }, index) => `${index + 1}. ${step}: ${how} (${nodes.join(', ')})`),
    ),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

function head(report: RunReport): string {
  const { run, cluster, verdict, error, startedAt, endedAt, version, planHash } = report
  const ended = endedAt === undefined ? 'not ended' : rfc3339(endedAt)
  return [
    verdict,
    ...(error === undefined ? [] : [`${error.where}: ${error.message} (${error.code})`, `Next: ${error.remedy}`]),
    '',
    `Run ${run} of ${cluster} by quorate ${version}`,
    `From ${rfc3339(startedAt)} to ${ended}${tookOf(report)}`,
    `Plan ${planHash}`,
    '',
  ].join('\n')
}

function tookOf({ durationMs, workedMs, attempts, pauses }: RunReport): string {
  if (attempts.length < 2) return `, ${seconds(durationMs)}`
  const paused = pauses.reduce((sum, one) => sum + one.durationMs, 0)
  return `: ${duration(workedMs)} of work in ${attempts.length} attempts, paused for ${duration(paused)}`
}

/** A single attempt is the run itself and needs no lines. */
function attemptLines({ attempts, pauses }: RunReport): readonly string[] {
  if (attempts.length < 2) return []
  return attempts.flatMap((attempt, index) => {
    const { begun, startedAt, outcome, durationMs } = attempt
    const reasons = reasonsOf(attempt).join('; ')
    const pause = pauses[index]
    return [
      `${index + 1}. ${begun} ${rfc3339(startedAt)}, ${outcome === 'running' ? 'running for' : `${outcome} after`} ${duration(durationMs)}${reasons === '' ? '' : `: ${reasons}`}`,
      ...(pause === undefined ? [] : [`   paused for ${duration(pause.durationMs)}`]),
    ]
  })
}

function findingLines({ id, severity, node, message, ignoredBecause }: ReportedFinding): readonly string[] {
  const where = node === undefined ? '' : ` on ${node}`
  return [
    `${severity.padEnd(8)} ${id}${where}: ${message}`,
    ...(ignoredBecause === undefined ? [] : [`         ignored because: ${ignoredBecause}`]),
  ]
}

function stepLines(step: ReportedStep, report: RunReport): readonly string[] {
  const { id, state, durationMs, proofs, actions } = step
  const failed = failedBefore(step, report)
  return [
    `${state.padEnd(8)} ${id}${state === 'skipped' || state === 'waiting' ? '' : `  ${seconds(durationMs)}`}${failed === '' ? '' : `, ${failed}`}`,
    ...proofs.map((one) => `  verified before: ${inWords(one)}`),
    ...actions.flatMap((action) => [
      `  ${action.node}: ${action.does} [${action.state}, ${seconds(action.durationMs)}]`,
      ...(hasOwnSection(id) ? [] : action.evidence).map((one) => `    ${inWords(one)}`),
      ...(action.error === undefined ? [] : [`    failed: ${action.error.message}`]),
      ...(action.undoError === undefined ? [] : [`    could not be undone: ${action.undoError.message}`]),
    ]),
  ]
}

/** One way to the API in words, followed by its outages. */
export function wayLines({ name, asked, failed, longestGapMs, places, records }: Way): readonly string[] {
  const stalledMs = stalledMsOf(records)
  const stalled = stalledMs === 0 ? '' : `; the machine that asked stood still for ${seconds(stalledMs)}`
  const said =
    asked === 0
      ? 'could not be observed'
      : `${asked} requests, ${failed} failed, longest gap ${longestGapMs} ms${stalled}`
  const outages = records.flatMap(({ place, during, outages: all }) =>
    all.map(({ from, to, error }) => {
      const what = from === to ? 'one request failed while others were answered' : `down for ${seconds(to - from)}`
      return `  ${rfc3339(from)} from ${place} (${during}): ${what}: ${error}`
    }),
  )
  return [`${name}, from ${places.join(', ')}: ${said}`, ...outages]
}

const memberLines = ({ seen }: RunReport): readonly string[] =>
  (seen.after?.members ?? []).map(({ id, name, learner, leader, version, peerUrl }) => {
    const role = learner ? 'learner, no vote' : leader ? 'votes, leader' : 'votes'
    return `${name || peerUrl} (${id}): ${role}, ${version === '' ? 'does not answer' : version}`
  })

const certificateLines = (report: RunReport): readonly string[] =>
  certificatesOf(report)
    .filter(({ isNew }) => isNew)
    .map(({ node, path, serial, sans, notAfter }) => {
      const names = sans.length === 0 ? '' : `, for ${sans.join(', ')}`
      return `${node}: ${path} serial ${serial}, until ${rfc3339(notAfter).slice(0, 10)}${names}`
    })

// The text shows where the backups are; the hash of every copied file is in the JSON report.
function backupLines({ backups, run }: RunReport): readonly string[] {
  const hashes = backups.filter(isHash).length
  const copies = backups.filter((one) => !isHash(one)).map(inWords)
  return hashes === 0
    ? copies
    : [...copies, `${plural(hashes, 'file or object', 'files and objects')} with sha256: quorate report ${run} -o json`]
}

type Evidence = RunReport['backups'][number]

/** Whether this evidence of a backup is only the hash of one of its files. */
export const isHash = ({ saw }: Evidence): boolean => /^sha256 [0-9a-f]{64}$/.test(saw)

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`
}

const inWords = ({ what, saw }: Evidence): string => `${what}: ${saw}`
const short = (sha256: string) => (sha256 === '' ? '(absent)' : sha256.slice(0, 12))
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
