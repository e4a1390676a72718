/** A flag as a command line sets it. */
export interface Flag {
  /** Without dashes; `_` is read as `-`, as the components of Kubernetes do. */
  readonly name: string
  /** `true` where it stands alone. */
  readonly value: string
}

const flagWord = /^--?([A-Za-z][A-Za-z0-9._-]*)(?:=([\s\S]*))?$/

/**
 * THE reader of flags: `--flag=value`, `--flag value` in two words, `--flag` alone, each with one dash or two, in their order. What follows `--` is
 * no flag. Which flags are booleans is not known here: a word after one that is no flag itself is its value, and the components of Kubernetes and
 * etcd refuse to start with any other.
 */
export function readFlags(words: readonly string[]): readonly Flag[] {
  const flags: Flag[] = []
  for (let at = 0; at < words.length && words[at] !== '--'; at++) {
    const [, name, value] = flagWord.exec(words[at] ?? '') ?? []
    if (name === undefined) continue
    const next = words[at + 1]
    const isAlone = value !== undefined || next === undefined || next === '--' || flagWord.test(next)
    flags.push({ name: name.replaceAll('_', '-'), value: value ?? (isAlone ? 'true' : next) })
    if (!isAlone) at++
  }
  return flags
}

/** Every value of a flag, in the order of the command line. */
export const flagValues = (words: readonly string[], name: string): readonly string[] =>
  readFlags(words).flatMap((flag) => (flag.name === name ? [flag.value] : []))

/** The value that counts where a flag is given more than once and is no list: the last; undefined when it is not there. */
export const lastFlag = (words: readonly string[], name: string): string | undefined => flagValues(words, name).at(-1)
