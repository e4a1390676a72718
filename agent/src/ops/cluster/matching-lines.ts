import { redact } from '@quorate/shared/redact'

const longestLine = 200

const regExpText = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Matches the strings as whole names or addresses: 192.168.13.3 is not in 192.168.13.30, cp1 is not in cp10 or in my-cp1. A string that
 * starts or ends with another character (`//cp1:`) needs no border there.
 */
export function wholeWords(strings: readonly string[]): RegExp {
  const bordered = strings.map((text) => {
    const before = /^[A-Za-z0-9]/.test(text) ? '(?<![A-Za-z0-9.-])' : ''
    const after = /[A-Za-z0-9]$/.test(text) ? '(?![A-Za-z0-9-]|\\.[A-Za-z0-9])' : ''
    return before + regExpText(text) + after
  })
  return new RegExp(bordered.join('|'))
}

/** A line with a match, shortened and without secrets. */
export interface MatchingLine {
  /** From 1. */
  readonly number: number
  readonly line: string
}

export function matchingLines(text: string, pattern: RegExp): MatchingLine[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      pattern.test(line) ? [{ number: index + 1, line: around(redact(line.trim()), pattern) }] : [],
    )
}

/** The part of a long line (JSON in an annotation, a minified configuration) around the match. */
function around(line: string, pattern: RegExp): string {
  const at = pattern.exec(line)?.index ?? 0
  const from = line.length <= longestLine ? 0 : Math.max(0, at - longestLine / 2)
  return line.slice(from, from + longestLine)
}
