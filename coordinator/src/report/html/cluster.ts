import { certificatesOf, type ReportedCertificate } from '../certificates.js'
import type { ReportedPicture, RunReport } from '../schema.js'
import { day } from '../words.js'
import { type Html, html } from './markup.js'
import { badge, type Column, section, table } from './parts.js'

type Member = ReportedPicture['members'][number]

/** etcd's members as they said of themselves at the end. */
export function members({ seen }: RunReport): Html | string {
  const shown = seen.after ?? seen.before
  if (shown === undefined || shown.members.length === 0) return ''
  const columns: readonly Column<Member>[] = [
    { title: 'Member', of: ({ name }) => name || '(never started)' },
    { title: 'Id', of: ({ id }) => id, kind: 'code' },
    { title: 'Vote', of: ({ learner }) => (learner ? badge('warn', 'learner, no vote') : badge('good', 'votes')) },
    { title: 'Leader', of: ({ leader }) => (leader ? 'leader' : '') },
    { title: 'Version', of: ({ version }) => version || badge('bad', 'does not answer') },
    { title: 'Peers reach it at', of: ({ peerUrl }) => peerUrl, kind: 'code' },
  ]
  const voters = shown.members.filter(({ learner }) => !learner).length
  const survives = Math.floor((voters - 1) / 2)
  return section(
    'etcd',
    'etcd',
    html`<p>${voters} of ${shown.members.length} members vote: ${
      survives === 0 ? 'none of them may fail.' : `any ${survives} of them may fail, and etcd goes on.`
    }</p>${table(seen.after === undefined ? 'Members before the run' : 'Members at the end of the run', columns, shown.members)}`,
  )
}

const columns: readonly Column<ReportedCertificate>[] = [
  { title: 'Node', of: ({ node }) => node },
  { title: 'File', of: ({ path, isNew }) => html`${path} ${isNew ? badge('good', 'new') : ''}`, kind: 'code' },
  { title: 'Names it is valid for', of: ({ sans, subject }) => (sans.length === 0 ? subject : sans.join(', ')) },
  { title: 'Expires', of: ({ notAfter }) => day(notAfter), kind: 'whole' },
  { title: 'Serial', of: ({ serial }) => serial, kind: 'code' },
]

/** Which certificates the control planes have: those of the API servers first, because clients meet them. */
export function certificates(report: RunReport): Html | string {
  const all = certificatesOf(report)
  if (all.length === 0) return ''
  const met = all.filter(({ path }) => path.endsWith('/apiserver.crt'))
  const rest = all.filter((one) => !met.includes(one))
  return section(
    'certificates',
    'Certificates',
    html`${table('Certificates of the API servers', columns, met)}${
      rest.length === 0
        ? ''
        : html`<details><summary>Other certificates of the control planes (${rest.length})</summary>${table('Other certificates of the control planes', columns, rest)}</details>`
    }`,
  )
}
