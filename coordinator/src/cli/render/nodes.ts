import { day, plural } from '../../report/words.js'
import type { NodeStatus } from '../../runs/nodes.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

/** Shorter than this, a certificate gets a warning: renewals begin 30 days before the end. */
const warnDays = 15
const dayMs = 24 * 60 * 60_000

/** Enrolled nodes as they answer now; below them how to fix each that does not, and certificates that expire soon. */
export function nodesText(nodes: readonly NodeStatus[], now: number, style: Style): string {
  if (nodes.length === 0)
    return 'No node is enrolled yet. Enroll one with `quorate enroll NODE --address HOST --bundle DIR`.\n'
  // The line is long already.
  const wasRevoked = nodes.some(({ denyList = 0 }) => denyList > 0)
  const rows = nodes.map((node) => [
    node.name,
    node.address,
    node.revoked ? 'revoked' : node.reachable ? 'yes' : 'no',
    node.agentVersion ?? '-',
    node.kubernetesVersion || '-',
    node.clockOffsetMs === undefined ? '-' : String(node.clockOffsetMs),
    day(node.certificateExpiresAt),
    ...(wasRevoked ? [node.denyList ? String(node.denyList) : '-'] : []),
  ])
  const problems = nodes.flatMap(({ name, problem }) =>
    problem === undefined
      ? []
      : [`\n${style.bad(name)}: ${printable(problem.message)}\n  next: ${printable(problem.remedy)}\n`],
  )
  const expiring = nodes
    .filter(({ certificateExpiresAt }) => certificateExpiresAt - now < warnDays * dayMs)
    .map((node) => expiryText(node, now, style))
  const head = ['NAME', 'ADDRESS', 'REACHABLE', 'AGENT', 'KUBERNETES', 'CLOCK OFFSET MS', 'CERTIFICATE UNTIL']
  return table([...head, ...(wasRevoked ? ['DENY LIST'] : [])], rows) + problems.join('') + expiring.join('')
}

function expiryText({ name, certificateExpiresAt }: NodeStatus, now: number, style: Style): string {
  const days = Math.floor((certificateExpiresAt - now) / dayMs)
  const when = days < 0 ? 'has expired' : `expires in ${plural(days, 'day')}`
  const next = `quorate renew ${name}`
  return `\n${style.warn(name)}: the certificate of its agent ${when}\n  next: ${next}\n`
}
