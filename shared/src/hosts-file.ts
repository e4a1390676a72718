import { isIP } from 'node:net'
import { QuorateError } from './errors.js'
import { isDnsName } from './names.js'

const begin = '# BEGIN quorate'
const end = '# END quorate'

interface Span {
  readonly start: number
  readonly end: number
}

/** Where the block lies, its last newline included; DRIFT when its marks are not one pair in order. */
function findBlock(text: string): Span | undefined {
  const begins = [...text.matchAll(/^# BEGIN quorate$/gm)]
  const ends = [...text.matchAll(/^# END quorate$/gm)]
  if (begins.length === 0 && ends.length === 0) return undefined
  const [from, to] = [begins[0]?.index, ends[0]?.index]
  if (begins.length !== 1 || ends.length !== 1 || from === undefined || to === undefined || to < from) {
    throw new QuorateError(
      'DRIFT',
      `the block between "${begin}" and "${end}" is damaged: ${begins.length} begin, ${ends.length} end`,
      {
        where: '/etc/hosts',
        remedy: 'Take those lines out of the file by hand, then run it again.',
      },
    )
  }
  const after = to + end.length
  return { start: from, end: text[after] === '\n' ? after + 1 : after }
}

/**
 * The hosts file with one line for `name` in a block of our own. The block is put first: resolvers take the first line that
 * matches, and a file without a newline at its end can be given back byte for byte.
 */
export function withHostsBlock(text: string, name: string, address: string): string {
  if (!isDnsName(name) || isIP(address) === 0) {
    throw new QuorateError(
      'INVALID_REQUEST',
      `not a name and an address: ${JSON.stringify(name)} ${JSON.stringify(address)}`,
    )
  }
  const block = `${begin}\n${address} ${name}\n${end}\n`
  const present = findBlock(text)
  return present === undefined ? block + text : text.slice(0, present.start) + block + text.slice(present.end)
}

/** The hosts file with the block that another text of it had, or without one where that had none; what is around it stays. */
export function withHostsBlockOf(before: string, text: string): string {
  const had = findBlock(before)
  if (had === undefined) return withoutHostsBlock(text)
  const block = before.slice(had.start, had.end)
  const present = findBlock(text)
  return present === undefined ? block + text : text.slice(0, present.start) + block + text.slice(present.end)
}

/** The hosts file without our block: byte for byte what `withHostsBlock` was given. */
export function withoutHostsBlock(text: string): string {
  const present = findBlock(text)
  return present === undefined ? text : text.slice(0, present.start) + text.slice(present.end)
}

/** What other lines of a hosts file say: all but the first of our blocks, also where that is damaged. */
export function outsideHostsBlock(text: string): string {
  const from = text.search(/^# BEGIN quorate$/m)
  const block = from < 0 ? '' : text.slice(from)
  // One search for each mark: a text of thousands of beginnings has no end.
  const to = block.search(/^# END quorate$/m)
  return to < 0 ? text : text.slice(0, from) + block.slice(to + end.length)
}
