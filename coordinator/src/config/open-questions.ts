import type { PositionedYaml } from '@quorate/shared/yaml-document'
import type { Problem } from './problem.js'

/** The value of a key that `quorate discover` cannot know. In quotes: YAML has another meaning for it. */
export const openQuestion = '?'

/** Begins the comment that asks, at the end of the line. */
export const questionMark = 'QUESTION: '

type Path = readonly (string | number)[]

/** Keys whose value is still a question, one a line, with what its comment asks. */
export function openQuestions({ value, lineOf }: PositionedYaml, text: string, most: number): readonly Problem[] {
  const lines = text.split('\n')
  const found = new Map<number, Problem>()
  for (const path of openPaths(value, [], new Set())) {
    if (found.size >= most) break
    const line = lineOf(path)
    if (!found.has(line)) found.set(line, problemAt(path, lines[line - 1] ?? ''))
  }
  return [...found.values()]
}

function problemAt(path: Path, line: string): Problem {
  const at = line.indexOf(`# ${questionMark}`)
  const asked = at === -1 ? '' : line.slice(at + 2 + questionMark.length).trim()
  const name = path.join('.')
  return {
    path,
    message: asked === '' ? `${name} is not answered` : `${name} is not answered: ${asked}`,
    remedy: `Write the answer in place of "${openQuestion}".`,
  }
}

/** `seen`: aliases may lead to what was there before, or to themselves. */
function* openPaths(value: unknown, path: Path, seen: Set<object>): Generator<Path> {
  if (value === openQuestion) yield path
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value)
  for (const [key, item] of entries) yield* openPaths(item, [...path, key], seen)
}
