import { day } from '../../report/words.js'
import type { RotationPlan } from '../../runs/rotation/rotate.js'
import type { PersonIdentity } from '../../state/person-identities.js'
import { printable } from './style.js'

/** That a rotation is under way, and what ends it. */
export const rotatingText = (since: number): string =>
  `rotation: since ${day(since)}; both roots count\n` +
  'next: quorate root rotate finishes it; then quorate root retire gives up the root of before\n' +
  'undo: quorate root rotate --undo\n'

/** What a rotation would do, one line a step and its nodes. */
export function rotationPlanText({ steps, since }: RotationPlan): string {
  const due = steps.filter(({ actions }) => actions.length > 0)
  const begun = since === undefined ? '' : `A rotation is under way since ${day(since)}.\n`
  if (due.length === 0) return `${begun}Nothing is left to do.\n`
  const lines = due.flatMap(({ title, actions }, index) => [
    `${index + 1}. ${title}`,
    ...[...new Set(actions.map(({ does }) => does))].map(
      (does) =>
        `   ${does}: ${actions
          .filter((one) => one.does === does)
          .map(({ node }) => node)
          .join(', ')}`,
    ),
  ])
  return printable(`${begun}${lines.join('\n')}\n`)
}

/** Whose certificates end with the root of before. */
export function endingText(persons: readonly PersonIdentity[]): string {
  if (persons.length === 0) return ''
  const rows = persons.map(({ name, role, expiresAt }) => `  ${name} (${role}, until ${day(expiresAt)})`)
  return printable(
    `Certificates of these users are below the root of before and count no more then:\n${rows.join('\n')}\n` +
      'Issue them again first: quorate identity issue NAME --role ROLE --to DIR\n',
  )
}
