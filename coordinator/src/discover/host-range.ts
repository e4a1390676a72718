/** More hosts than a cluster has Nodes are another file. */
export const mostHosts = 5_000

/** A host name has at most 253 characters. */
const longestPattern = 300

/**
 * The hosts that a pattern of an inventory stands for: `node[01:12].example.com`, `node[a:c]`, `node[1:9:2]`. Undefined where a range is wrong or
 * too long.
 */
export function hostsOf(pattern: string): readonly string[] | undefined {
  if (pattern.length > longestPattern) return undefined
  let hosts: readonly string[] = ['']
  for (const part of pattern.split(/(\[[^\][]*\])/)) {
    const words = part.startsWith('[') && part.endsWith(']') ? rangeOf(part.slice(1, -1)) : [part]
    if (words === undefined || words.length * hosts.length > mostHosts) return undefined
    hosts = hosts.flatMap((host) => words.map((word) => host + word))
  }
  return hosts
}

function rangeOf(text: string): readonly string[] | undefined {
  const match = /^(\d{1,9}|[a-z]|[A-Z]):(\d{1,9}|[a-z]|[A-Z])(?::([1-9]\d{0,3}))?$/.exec(text)
  const [, from = '', to = '', step = '1'] = match ?? []
  if (match === null || /\d/.test(from) !== /\d/.test(to)) return undefined
  const isNumber = /\d/.test(from)
  const [first, last] = isNumber ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)]
  if (last < first || (last - first) / Number(step) >= mostHosts) return undefined
  const width = from.startsWith('0') ? from.length : 0
  const count = Math.floor((last - first) / Number(step)) + 1
  return Array.from({ length: count }, (_, index) => {
    const value = first + index * Number(step)
    return isNumber ? String(value).padStart(width, '0') : String.fromCharCode(value)
  })
}
