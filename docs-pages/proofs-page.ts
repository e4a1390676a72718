import { fixOf } from '@quorate/coordinator/runs/fix/fixed-by'
import type { Foreseen } from '../coordinator/src/conversion/context/foreseen.js'
import { conversionOrder } from '../coordinator/src/conversion/order.js'
import { allProofs } from '../coordinator/src/conversion/proofs/all.js'
import { scenarios } from '../coordinator/src/runs/drill/scenarios.js'

function foreseenRow(place: string, { asks, checks, stays = [], why }: Foreseen): string {
  const named = checks.map((id) => `[\`${id}\`](findings.md#${id})${stays.includes(id) ? '\\*' : ''}`)
  return `| ${place} | ${asks} | ${named.join(', ') || (why ?? '')} |`
}

/** Text of docs/proofs.md: what `quorate verify` sees on a live cluster, and what `quorate drill` takes down. */
export function proofsPage(): string {
  const fixing = (id: string): string => {
    const fix = fixOf(conversionOrder, id)
    if ('noStep' in fix) return `no step: ${fix.noStep}`
    return fix.steps.map((step) => `[\`${step}\`](order.md#${step})`).join(', ')
  }
  const proof = ({ id, title }: { id: string; title: string }) =>
    `| <a id="${id}"></a>\`${id}\` | ${title} | ${fixing(id)} |`
  const scenario = ({ id, title, isColdStart }: (typeof scenarios)[number]) =>
    `| \`${id}\` | ${title}${isColdStart ? ' (only with `--cold-start`)' : ''} |`
  return `# Proofs

\`quorate verify -f cluster.yaml\` makes all of these on the live cluster, read-only, at any time: on a cluster that Quorate converted, and on any other of kubeadm whose nodes have
its agent (\`loadBalancer.kind: external\` for a load balancer of your own). It ends with 7 when one does not hold, and names the node, what was seen, and what to type.

It cannot see that two virtual machines share one host, nor how many machines are behind a load balancer of yours: only their operator knows.

\`quorate verify -f cluster.yaml --fix\` offers for each finding the step of [the order](order.md) that fixes it, planned with its diffs and done after asking: exactly that step,
after a backup of what it touches and before all proofs again. It is a run like any other, with a journal: \`quorate resume\` goes on with it, \`quorate rollback\` undoes it. What
no step fixes is reported as such, with what to type, and ends with 7.

Generated from the code; do not edit.

| id | what must hold | fixed by |
|---|---|---|
${allProofs.map(proof).join('\n')}

# What is known before

Whatever a gate or a proof asks for and no step can bring about is a finding of the plan, not a gate that waits in vain when all the rest is done. Where the operator accepts such a finding
(\`ignoreFindings\` with a reason), the run does not wait for what is marked with *, and its report says that it was so before; \`quorate verify\` says no until it is repaired.

| step or proof | asks for | seen in the plan by |
|---|---|---|
${conversionOrder.flatMap(({ id, foreseen }) => foreseen.map((one) => foreseenRow(`[\`${id}\`](order.md#${id})`, one))).join('\n')}
${allProofs.flatMap(({ id, foreseen }) => foreseen.map((one) => foreseenRow(`[\`${id}\`](#${id})`, one))).join('\n')}

# Drill

\`quorate drill -f cluster.yaml\` begins where all of that holds, takes these down one after the other, brings each back, and waits until all holds again
([why it is done so](decisions/0008-drills.md), [when it ends badly](runbook.md#drill)).

| scenario | takes down |
|---|---|
${scenarios.map(scenario).join('\n')}
`
}
