import { version } from './version.js'

/** The release before this one, as `MAJOR.MINOR`; undefined for the first. To be set with the version in package.json, which a test compares. */
export const releaseBefore: string | undefined = undefined

/** Of the facts of a node: increases when a field changes its meaning. */
export const factsSchema = 1

/** How a program of Quorate stands to this one: a coordinator works with agents of its own release and of the one before, never with newer ones. */
export type Skew = 'same' | 'another-build' | 'before' | 'too-old' | 'newer' | 'unknown'

/** `theirs` and `ours` like `0.2.1` or `0.2.1-rc.1`; a release is MAJOR.MINOR, what follows is a build of it. */
export function skewOf(theirs: string, ours = version, before = releaseBefore): Skew {
  if (theirs === ours) return 'same'
  const [a, b] = [partsOf(theirs), partsOf(ours)]
  if (a === undefined || b === undefined) return 'unknown'
  const order = a.major - b.major || a.minor - b.minor
  if (order === 0) return a.patch > b.patch ? 'newer' : 'another-build'
  if (order > 0) return 'newer'
  return `${a.major}.${a.minor}` === before ? 'before' : 'too-old'
}

function partsOf(text: string): { readonly major: number; readonly minor: number; readonly patch: number } | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:[-+][0-9A-Za-z.+-]{0,60})?$/.exec(text)
  if (match === null) return undefined
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map(Number)
  return { major, minor, patch }
}
