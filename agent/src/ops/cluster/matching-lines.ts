import { redact } from '@quorate/shared/redact'

const longestLine = 200

const regExpText = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Matches the strings as whole names or addresses: 192.168.13.3 is not in 192.168.13.30, cp1 is not in cp10 or in my-cp1. A string that
 * starts or ends with another character (`//cp1:`) needs no border there.
 */
export function wholeWords(strings: readonly string[]): RegExp {
  // Those with the same borders stand together: the engine then tries what they begin with once, not each of a thousand.
  const groups = [true, false].flatMap((bordersBefore) =>
    [true, false].flatMap((bordersAfter) => {
      const texts = strings.filter(
        (text) => /^[A-Za-z0-9]/.test(text) === bordersBefore && /[A-Za-z0-9]$/.test(text) === bordersAfter,
      )
      const before = bordersBefore ? '(?<![A-Za-z0-9.-])' : ''
      const after = bordersAfter ? '(?![A-Za-z0-9-]|\\.[A-Za-z0-9])' : ''
      return texts.length === 0 ? [] : `${before}(?:${texts.map(regExpText).join('|')})${after}`
    }),
  )
  return new RegExp(groups.join('|'))
}

/** A line with a match, shortened and without secrets. */
export interface MatchingLine {
  /** From 1. */
  readonly number: number
  readonly line: string
}

/** Of one text: who asks shows no more, and each line costs a search for secrets. */
const mostLines = 501

/** The lines that match, at most 501. */
export function matchingLines(text: string, pattern: RegExp): MatchingLine[] {
  const found: MatchingLine[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (found.length === mostLines) break
    if (pattern.test(line)) found.push({ number: index + 1, line: around(redact(line.trim()), pattern) })
  }
  return found
}

/** The part of a long line (JSON in an annotation, a minified configuration) around the match. */
function around(line: string, pattern: RegExp): string {
  const at = pattern.exec(line)?.index ?? 0
  const from = line.length <= longestLine ? 0 : Math.max(0, at - longestLine / 2)
  return line.slice(from, from + longestLine)
}
