import { createTwoFilesPatch } from 'diff'

/** Unified diff with three lines of context, as `diff -u` prints it; empty when nothing differs. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return ''
  const patch = createTwoFilesPatch(name, name, before, after, 'before', 'after', { context: 3 })
  return patch.slice(patch.indexOf('--- '))
}
