import { availabilityLine } from '../engine/availability.js'
import { hasOwnSection, type ReportedStep, type RunReport } from './run-report.js'

/** The report as text: for a terminal, a ticket or a mail. */
export function reportText(report: RunReport): string {
  const sections = [
    head(report),
    section(
      'Missing',
      report.missing.map(({ node, since, message }) => `${node} since ${iso(since)}: ${message}`),
    ),
    section('Steps', report.steps.flatMap(stepLines)),
    section('Availability', availabilityLines(report)),
    section(
      'Proof',
      report.proof.map(({ what, saw }) => `${what}: ${saw}`),
    ),
    section(
      'Certificates',
      report.certificates.map(({ node, step, facts }) => `${node} (${step}): ${pairs(facts)}`),
    ),
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
      'How to undo it by hand, in this order',
      report.undo.map(({ step, how, nodes }, index) => `${index + 1}. ${step}: ${how} (${nodes.join(', ')})`),
    ),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

function head(report: RunReport): string {
  const { run, cluster, verdict, error, startedAt, endedAt, durationMs, version, planHash } = report
  const ended = endedAt === undefined ? 'not ended' : iso(endedAt)
  return [
    verdict,
    ...(error === undefined ? [] : [`${error.where}: ${error.message} (${error.code})`, `Next: ${error.remedy}`]),
    '',
    `Run ${run} of ${cluster} by quorate ${version}`,
    `From ${iso(startedAt)} to ${ended}, ${seconds(durationMs)}`,
    `Plan ${planHash}`,
    '',
  ].join('\n')
}

function stepLines({ id, state, durationMs, actions }: ReportedStep): readonly string[] {
  return [
    `${state.padEnd(8)} ${id}${state === 'skipped' || state === 'waiting' ? '' : `  ${seconds(durationMs)}`}`,
    ...actions.flatMap((action) => [
      `  ${action.node}: ${action.does} [${action.state}, ${seconds(action.durationMs)}]`,
      ...(hasOwnSection(id) ? [] : action.evidence).map(({ what, saw }) => `    ${what}: ${saw}`),
      ...(action.error === undefined ? [] : [`    failed: ${action.error.message}`]),
      ...(action.undoError === undefined ? [] : [`    could not be undone: ${action.undoError.message}`]),
    ]),
  ]
}

function availabilityLines({ availability: { steps } }: RunReport): readonly string[] {
  const all = availabilityLine(steps.flatMap(({ ways }) => ways))
  if (all === undefined) return []
  const outages = steps.flatMap(({ step, ways }) =>
    ways.flatMap(({ place, target, outages }) =>
      outages.map(
        ({ from, to, error }) =>
          `  ${iso(from)} ${target} from ${place} (${step}): away for ${seconds(to - from)}: ${error}`,
      ),
    ),
  )
  return [`whole run: ${all}`, ...steps.map(({ step, ways }) => `${step}: ${availabilityLine(ways)}`), ...outages]
}

// The hash of every file that was copied is for a program to compare; a person reads where the copies lie.
function backupLines({ backups, run }: RunReport): readonly string[] {
  const isHash = ({ saw }: { saw: string }) => /^sha256 [0-9a-f]{64}$/.test(saw)
  const hashes = backups.filter(isHash).length
  const copies = backups.filter((one) => !isHash(one)).map(({ what, saw }) => `${what}: ${saw}`)
  return hashes === 0
    ? copies
    : [...copies, `${hashes} files and objects with their sha256: quorate report ${run} -o json`]
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`
}

const pairs = (facts: Readonly<Record<string, string>>) =>
  Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
const short = (sha256: string) => (sha256 === '' ? '(absent)' : sha256.slice(0, 12))
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
const iso = (unixMs: number) => new Date(unixMs).toISOString()
