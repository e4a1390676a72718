import { QuorateError } from '@quorate/shared/errors'
import { Option } from 'commander'
import { readText } from './identity.js'
import type { Terminal } from './terminal.js'

export interface PassphraseOptions {
  readonly passphraseFile?: string
}

/** Where a script has the passphrase of the root key: never in an argument, which every user of the machine can read. */
export const passphraseFile = () =>
  new Option('--passphrase-file <file>', "file with the root key's passphrase; /dev/stdin for a pipe")

/** The passphrase from its file, without the newline at the end; USAGE where it cannot be read or is empty. */
export async function passphraseIn(path: string): Promise<string> {
  const text = (await readText(path)).replace(/\r?\n$/, '')
  if (text === '' || /[\r\n]/.test(text))
    throw new QuorateError('USAGE', 'the file has no passphrase: one line is expected', { where: path })
  return text
}

/** A new passphrase from its file, or typed twice; undefined where there is no terminal, or nothing was typed. */
export async function newPassphrase(terminal: Terminal, { passphraseFile: path }: PassphraseOptions) {
  if (path !== undefined) return passphraseIn(path)
  if (!terminal.canAsk) return undefined
  const first = await terminal.askSecret('Passphrase for the root key of the fleet (empty: none): ')
  if (first === '') return undefined
  if ((await terminal.askSecret('The same again: ')) === first) return first
  throw new QuorateError('USAGE', 'the two passphrases differ', { remedy: 'Run the command again.' })
}
