import type { Verification } from '../../conversion/proofs/prove.js'
import { findingsText } from './plan.js'
import { printable, type Style } from './style.js'

/** Every proof with its evidence, then the findings, then the verdict. */
export function verificationText({ cluster, highlyAvailable, proofs }: Verification, style: Style): string {
  const lines = proofs.flatMap(({ title, holds, evidence }) => [
    `${holds ? style.good('  ✓') : style.bad('  ✗')} ${title}\n`,
    ...evidence.map(({ what, saw }) => style.faint(`      ${printable(what)}: ${printable(saw)}\n`)),
  ])
  const findings = findingsText(
    proofs.flatMap((proof) => proof.findings),
    style,
  )
  const verdict = highlyAvailable
    ? style.good(`${cluster} is highly available.`)
    : style.bad(`${cluster} is not highly available.`)
  return `${lines.join('')}\n${findings}${verdict}\n`
}
