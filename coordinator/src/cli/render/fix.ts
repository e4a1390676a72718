import type { FixPlan, Offer } from '../../runs/fix/plan-fix.js'
import { printable, type Style } from './style.js'

/** Which steps fix which finding, and which findings no step fixes. */
export function offersText({ offers, plan }: FixPlan, style: Style): string {
  if (offers.length === 0) return 'There is nothing to fix.\n'
  const fixable = offers.filter(({ steps }) => steps.length > 0)
  const rest = offers.filter(({ steps }) => steps.length === 0)
  const nothing = plan.steps.length === 0 ? '\nNothing was changed: no step fixes what was found.\n' : '\n'
  return [
    part(style.strong('What a step fixes'), fixable, ({ steps }) => steps.join(', ')),
    part(
      style.strong('What no step fixes'),
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
