import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { UsedPackage } from './used-packages.js'

const line = `\n${'='.repeat(80)}\n\n`

/** The licences of what is in an executable beside Quorate: packages of npm, and Node.js with its own parts. `node` is its binary. */
export function licensesText(packages: readonly UsedPackage[], node: string): string {
  const parts = packages.map(({ name, version, license, texts }) =>
    [`${name} ${version}: ${license}`, ...texts].join('\n\n'),
  )
  const ofNode = readFileSync(join(dirname(node), '..', 'LICENSE'), 'utf8').trim()
  return `${[...parts, `Node.js\n\n${ofNode}`].join(`\n${line}`)}\n`
}
