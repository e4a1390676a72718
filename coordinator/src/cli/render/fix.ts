import type { FixPlan, Offer } from '../../runs/fix/plan-fix.js'
import { printable, type Style } from './style.js'

/** Which steps mend which finding, and which findings none does. */
export function offersText({ offers, plan }: FixPlan, style: Style): string {
  if (offers.length === 0) return 'There is nothing to mend.\n'
  const mended = offers.filter(({ steps }) => steps.length > 0)
  const rest = offers.filter(({ steps }) => steps.length === 0)
  const nothing = plan.steps.length === 0 ? '\nNothing was changed: no step mends what was found.\n' : '\n'
  return [
    part(style.strong('What a step mends'), mended, ({ steps }) => steps.join(', ')),
    part(
      style.strong('What no step mends'),
      rest,
      ({ noStep = '', finding }) => `${noStep}\n      next: ${finding.remedy}`,
    ),
    nothing,
  ].join('')
}

function part(title: string, offers: readonly Offer[], answer: (offer: Offer) => string): string {
  if (offers.length === 0) return ''
  const lines = offers.map((offer) => {
    const { id, node, message } = offer.finding
    return `  ${id}${node === undefined ? '' : ` on ${node}`}: ${printable(message)}\n    ${printable(answer(offer))}\n`
  })
  return `\n${title}\n${lines.join('')}`
}
