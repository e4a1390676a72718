import type { BackendsSeen } from '../../runs/backends-seen.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

const short = (sha256: string): string => sha256.slice(0, 16)

/** Who was met through the endpoint, who not, and who should not be there. */
export function backendsText(
  { endpoint, connections, backends, strangers, failures }: BackendsSeen,
  style: Style,
): string {
  const rows = backends.map(({ node, certificateSha256, problem, met }) => [
    node,
    met > 0 ? `${met} of ${connections}` : 'never',
    certificateSha256 === '' ? `none: ${printable(problem)}` : short(certificateSha256),
  ])
  const strange = Object.entries(strangers).map(
    ([sha256, times]) =>
      `${style.bad('stranger')}: certificate ${short(sha256)} met ${times} times, of no control plane of the file\n`,
  )
  const failed = Object.entries(failures).map(
    ([error, times]) => `${style.bad('failed')}: ${times} of ${connections} connections: ${printable(error)}\n`,
  )
  return `${endpoint}\n${table(['CONTROL PLANE', 'MET', 'CERTIFICATE'], rows)}${strange.join('')}${failed.join('')}`
}
