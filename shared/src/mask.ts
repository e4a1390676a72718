import { createHmac } from 'node:crypto'

/** Makes of a secret what stands for it: the same for the same secret under the same key, and nothing that tells it. */
export type Mask = (secret: string) => string

const keyed = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex')

/**
 * Keyed, because a plain hash of a short password is guessed from a report in minutes. Beside the mark of the secret stands one of the key: two
 * that were made with different keys cannot be compared.
 */
export function maskBy(key: Uint8Array): Mask {
  const mark = keyed(key, 'key').slice(0, 8)
  return (secret) => `<masked:${mark}:${keyed(key, `secret ${secret}`).slice(0, 16)}>`
}

const masks = /<masked:[0-9a-f:]{0,40}>/g

export const isMasked = (value: string): boolean => value.includes('<masked:')

/** For people: a mark tells them nothing, and is not for reports. */
export const withoutMasks = (text: string): string => text.replace(masks, '<masked>')

const keysOf = (values: readonly string[]): readonly string[] =>
  values.flatMap((value) => value.match(masks) ?? []).map((mask) => mask.split(':')[1] ?? '')

/** Whether both hold secrets that were masked with different keys, and are the same beside them: it cannot be told whether they differ. */
export function areIncomparable(one: readonly string[], other: readonly string[]): boolean {
  const [here, there] = [keysOf(one), keysOf(other)]
  return (
    here.length > 0 &&
    there.length > 0 &&
    here.every((key) => !there.includes(key)) &&
    one.map(withoutMasks).join('\n') === other.map(withoutMasks).join('\n')
  )
}

const secretName = /token|passw|secret|credential|api[-_]?key/i
/** Of tokens many flags tell how long they live, and how many: numbers, durations, versions. */
const ofToken = /^(\d+|(\d+(\.\d+)?(ns|us|ms|s|m|h))+|v\d+((alpha|beta)\d+)?|simple|jwt(,.*)?)$/
/** Paths and booleans: `--token-auth-file=/etc/...`, `--enable-bootstrap-token-auth=true`. */
const isNoSecret = (value: string): boolean => /^(true|false|(\/[\w.@+-]+)+\/?)$/i.test(value)

/** Of a value in which passwords of URLs are looked for: `http://user:password@proxy:3128`. */
const longest = 4_096

/** The value of a flag or a variable as it may be shown: whole where its name says that it is a secret, else without the passwords in its URLs. */
export function maskedValue(mask: Mask, name: string, value: string): string {
  if (value !== '' && secretName.test(name) && !isNoSecret(value)) {
    const plain = name.startsWith('-') && !/passw|secret|credential/i.test(name) && ofToken.test(value)
    if (!plain) return mask(value)
  }
  // Nobody has that many; each is work.
  if (value.length > longest) return mask(value)
  // Thousands of words have none.
  if (!value.includes('://')) return value
  return value.replace(/:\/\/([^/@\s]+)@/g, (_, user: string) => `://${mask(user)}@`)
}

/** Words of a command line: a secret may stand in the flag's own word or in the one after it. */
export function maskedWords(mask: Mask, words: readonly string[]): string[] {
  return words.map((word, at) => {
    const isFlag = word.startsWith('-')
    const [, flag, value] = (isFlag ? /^(--?[^=]*)=([\s\S]*)$/.exec(word) : undefined) ?? []
    if (flag !== undefined && value !== undefined) return `${flag}=${maskedValue(mask, flag, value)}`
    const before = words[at - 1] ?? ''
    const follows = !isFlag && before.startsWith('-') && /^--?[^=]+$/.test(before)
    return maskedValue(mask, follows ? before : '', word)
  })
}
