import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '../coordinator/src/conversion/order.js'

const order: readonly ConversionStep[] = conversionOrder

/** Text of docs/order.md: the steps as the code has them, in their order. */
export function orderPage(): string {
  const row = ({ id, title, documented, gate, undo, settleBefore, reliesOn = [] }: ConversionStep, index: number) => {
    const watched =
      settleBefore === undefined ? '' : ` (Watched while the steps before [${settleBefore}](#${settleBefore}) go on.)`
    const relied = reliesOn.map((proof) => `\`${proof.id}\``)
    const again = relied.length === 0 ? '' : ` (Proved again just before: ${relied.join(', ')}.)`
    return `| ${index + 1} | <a id="${id}"></a>\`${id}\` | ${title} | ${documented ?? '*'} | ${gate}${watched}${again} | ${undo} |`
  }
  return `# The order

What \`quorate convert\` does, in this order (\`coordinator/src/conversion/order.ts\`). Before each step the facts are read again; a step whose
desired state already exists does nothing. Each action is followed by its gate: what must be *seen* before the next one begins. If a
gate fails, only that node's action is undone and the run stops; the cluster works, and the same command goes on from there.

The fourth column names the section of the documented procedure that the step automates; * marks what that procedure omits.

Generated from the code; do not edit.

| # | step | what it does | documented as | gate | undo |
|---|---|---|---|---|---|
${order.map(row).join('\n')}
`
}
