import { execFileSync } from 'node:child_process'
import { root } from './bundle.js'

/** The commit that a release is made from. */
export interface Source {
  readonly commit: string
  /** When it was made: the time of every file in a package, and the day of the manual pages. */
  readonly time: Date
}

/** Throws where files differ from the commit: a provenance statement about them would not be true. */
export function sourceOfRelease(): Source {
  const changed = git('status', '--porcelain')
  if (changed !== '') throw new Error(`a release is made from a commit, and these files differ from it:\n${changed}`)
  const [commit = '', seconds] = git('log', '-1', '--format=%H %ct').split(' ')
  return { commit, time: new Date(Number(seconds) * 1000) }
}

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
