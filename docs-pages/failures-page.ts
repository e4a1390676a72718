import { allChecks } from '../coordinator/src/conversion/checks/all.js'
import { allProofs } from '../coordinator/src/conversion/proofs/all.js'
import { allFailures, failuresOf } from '../coordinator/src/failures/catalogue.js'
import { allExplanations } from '../coordinator/src/failures/explanations.js'
import type { Failure } from '../coordinator/src/failures/failure.js'

const checks = new Set<string>(allChecks.map(({ id }) => id))

/** A check has a page; a proof is made by `quorate verify` and has none. */
const checkCell = (id: string): string => (checks.has(id) ? `[\`${id}\`](findings.md#${id})` : `\`${id}\``)
const explanationCell = (id: string): string => `[\`${id}\`](#${id})`
const list = (ids: readonly string[] | undefined, cell: (id: string) => string): string =>
  (ids ?? []).map(cell).join(', ')

function failureRow({ number, title, threads, checks: seen, recognised, neither }: Failure): string {
  const answer =
    neither === undefined ? `${list(seen, checkCell)} | ${list(recognised, explanationCell)}` : `${neither} |`
  return `| <a id="${number}"></a>${number} | ${title} | ${answer} | ${threads} |`
}

/** Text of docs/failures.md: every failure of the catalogue, and what is done about it. */
export function failuresPage(): string {
  const explanations = allExplanations.map(
    ({ id, cause, remedy }) =>
      `| <a id="${id}"></a>\`${id}\` | ${failuresOf(id).join(', ')} | ${cause} | ${remedy.replaceAll('|', '\\|')} |`,
  )
  const beside = [...allChecks, ...allProofs].flatMap(({ id, beside: why }) =>
    why === undefined ? [] : [`| ${checkCell(id)} | ${why} |`],
  )
  return `# What can fail

Each way in which turning one control plane into three has failed for somebody, where that was told, the check or proof that sees it before (or in
\`quorate verify\`), and the message by which it is recognised when it happens. A run that fails says what the message of kubeadm or etcd means by itself;
for any other log: \`quorate explain FILE\`, or \`journalctl -u kubelet | quorate explain\`.

Generated from the code; do not edit.

| | failure | seen by | recognised as | told in |
|---|---|---|---|---|
${allFailures.map(failureRow).join('\n')}

## Messages

| id | failure | what it means | what to do |
|---|---|---|---|
${explanations.join('\n')}

## Checks and proofs beside these

| id | why it is made |
|---|---|
${beside.join('\n')}
`
}
