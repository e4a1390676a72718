import { plural } from '../../report/words.js'
import type { BackendsSeen } from '../../runs/backends-seen.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

const short = (sha256: string): string => sha256.slice(0, 16)

/** Which control planes answered through the endpoint, which did not, and which unknown servers did. */
export function backendsText(
  { endpoint, connections, backends, strangers, failures }: BackendsSeen,
  style: Style,
): string {
  const rows = backends.map(({ node, certificateSha256, problem, met }) => [
    node,
    met > 0 ? `${met} of ${connections}` : 'never',
    certificateSha256 === '' ? `none: ${printable(problem)}` : short(certificateSha256),
  ])
  const unknown = Object.entries(strangers).map(
    ([sha256, times]) =>
      `${style.bad('unknown server')}: certificate ${short(sha256)} answered ${plural(times, 'connection')}; no control plane of the cluster file has it\n`,
  )
  const failed = Object.entries(failures).map(
    ([error, times]) => `${style.bad('failed')}: ${times} of ${connections} connections: ${printable(error)}\n`,
  )
  return `${endpoint}\n${table(['CONTROL PLANE', 'REACHED', 'CERTIFICATE'], rows)}${unknown.join('')}${failed.join('')}`
}
