import { publicCases } from '../test/cases/reported/all.js'
import type { Outcome, PublicCase } from '../test/cases/reported/case.js'

const words: Readonly<Record<Outcome, string>> = {
  supported: 'supported',
  offered: 'change offered',
  blocked: 'blocked before anything is changed',
  reported: 'converts, with a warning',
  accepted: 'nothing wrong with it',
}

const tried = ({ trial }: PublicCase): string =>
  'plan' in trial ? 'plan, simulated' : 'conversion' in trial ? 'conversion, simulated' : 'the text itself'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const row = (one: PublicCase): string =>
  `| \`${one.id}\` | ${one.source.map(cell).join(', ')} | ${cell(one.input)} | ${words[one.outcome]} | ${cell(one.answer)} | ${tried(one)} |`

/** Text of docs/cases.md: every cluster that people reported in public, and what is done with it. */
export function casesPage(): string {
  return `# Clusters that people reported

Each row is a cluster, or a text found in one, that somebody reported in public because a tool or a procedure failed on it; what Quorate does with it;
and how that is tried. \`npm run test:cases\` tries all ${publicCases.length}. Which clusters were converted on real nodes: [compatibility](compatibility.md).

Generated from the code; do not edit.

| case | reported in | what is special | outcome | what Quorate does | tried by |
|---|---|---|---|---|---|
${publicCases.map(row).join('\n')}
`
}
