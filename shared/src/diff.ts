import { createTwoFilesPatch } from 'diff'

/** Lines that are another. The search for the shortest difference grows with their square, and nobody reads a longer one. */
const mostChanges = 500

/** Unified diff with three lines of context, as `diff -u` prints it; empty when nothing differs. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return ''
  const options = { context: 3, maxEditLength: mostChanges }
  const patch: string | undefined = createTwoFilesPatch(name, name, before, after, 'before', 'after', options)
  return patch === undefined ? wholeDiff(name, before, after) : patch.slice(patch.indexOf('--- '))
}

/** Every line taken away, every line put there. */
function wholeDiff(name: string, before: string, after: string): string {
  const [removed, added] = [linesWith('-', before), linesWith('+', after)]
  const range = ({ count }: { readonly count: number }): string => `${count === 0 ? 0 : 1},${count}`
  const head = `--- ${name}\tbefore\n+++ ${name}\tafter\n@@ -${range(removed)} +${range(added)} @@\n`
  return head + removed.text + added.text
}

function linesWith(sign: string, text: string): { readonly count: number; readonly text: string } {
  if (text === '') return { count: 0, text }
  const ends = text.endsWith('\n')
  const lines = ends ? text.slice(0, -1) : text
  const shown = `${sign}${lines.replaceAll('\n', `\n${sign}`)}\n`
  return { count: lines.split('\n').length, text: ends ? shown : `${shown}\\ No newline at end of file\n` }
}
