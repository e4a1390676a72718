import { certificatesOf, type ReportedCertificate } from '../certificates.js'
import type { ReportedPicture, RunReport } from '../schema.js'
import { day, plural } from '../words.js'
import { type Html, html } from './markup.js'
import { badge, type Column, section, table } from './parts.js'

type Member = ReportedPicture['members'][number]

/** etcd's members as they report themselves at the end. */
export function members({ seen }: RunReport): Html | string {
  const shown = seen.after ?? seen.before
  if (shown === undefined || shown.members.length === 0) return ''
  const columns: readonly Column<Member>[] = [
    { title: 'Member', of: ({ name }) => name || '(never started)' },
    { title: 'Id', of: ({ id }) => id, kind: 'code' },
    { title: 'Vote', of: ({ learner }) => (learner ? badge('warn', 'learner, no vote') : badge('good', 'votes')) },
    { title: 'Leader', of: ({ leader }) => (leader ? 'leader' : '') },
    { title: 'Version', of: ({ version }) => version || badge('bad', 'does not answer') },
    { title: 'Peer URL', of: ({ peerUrl }) => peerUrl, kind: 'code' },
  ]
  const voters = shown.members.filter(({ learner }) => !learner).length
  const survives = Math.floor((voters - 1) / 2)
  return section(
    'etcd',
    'etcd',
    html`<p>${voters} of ${plural(shown.members.length, 'member')} ${voters === 1 ? 'votes' : 'vote'}. ${
      survives === 0 ? 'etcd tolerates no failure.' : `etcd tolerates the failure of any ${survives} of them.`
    }</p>${table(seen.after === undefined ? 'Members before the run' : 'Members at the end of the run', columns, shown.members)}`,
  )
}

const columns: readonly Column<ReportedCertificate>[] = [
  { title: 'Node', of: ({ node }) => node },
  { title: 'File', of: ({ path, isNew }) => html`${path} ${isNew ? badge('good', 'new') : ''}`, kind: 'code' },
  { title: 'Valid for', of: ({ sans, subject }) => (sans.length === 0 ? subject : sans.join(', ')) },
  { title: 'Expires', of: ({ notAfter }) => day(notAfter), kind: 'whole' },
  { title: 'Serial', of: ({ serial }) => serial, kind: 'code' },
]

/** The certificates of the control planes: those of the API servers first, because clients see them. */
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
