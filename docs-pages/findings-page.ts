import { allChecks } from '../coordinator/src/conversion/checks/all.js'
import { failuresSeenBy } from '../coordinator/src/failures/catalogue.js'

/** Findings that no check makes: what stands in the way of checking and planning (coordinator/src/conversion/checks/assess.ts). They cannot be ignored. */
const ofAssessing = [
  ['agent-unreachable', "The node's agent answers."],
  ['agent-untrusted', "The node's agent shows a certificate of this fleet that is valid now."],
  ['agent-failed', "The node's agent can read its own node."],
  ['check-failed', 'Every check can be made.'],
  ['not-permitted', 'Agents let the identity measure what the checks measure (`--identity`).'],
  ['not-planned', 'Every step can be planned.'],
] as const

/** Text of docs/findings.md: every id that `quorate plan` can show, in the order in which it is shown. */
export function findingsPage(): string {
  const row = (id: string, title: string) => `| <a id="${id}"></a>\`${id}\` | ${title} |`
  const failures = (id: string) =>
    failuresSeenBy(id)
      .map((number) => `[${number}](failures.md#${number})`)
      .join(' ')
  return `# Findings

Before anything is changed Quorate checks what is listed here, on every node. A finding of severity \`error\` stops the run (exit code 3);
warnings and notes do not. Each finding names the node, what was seen, and what to type. To go on in spite of one, write its id
and your reason under \`policy.ignoreFindings\` in the cluster file; the reason is kept in the run's journal and report. The last column leads to
what would fail else, in the list of [all that can fail](failures.md).

Generated from the code; do not edit.

| id | what must be so | else |
|---|---|---|
${allChecks.map(({ id, title }) => `${row(id, title)} ${failures(id)} |`).join('\n')}

These cannot be ignored:

| id | what must be so |
|---|---|
${ofAssessing.map(([id, title]) => row(id, title)).join('\n')}
`
}
