import { QuorateError } from '@quorate/shared/errors'
import { Option } from 'commander'
import type { RootAccess, RootKeyPlace } from '../state/root-key.js'
import type { Terminal } from './terminal.js'
import { readText } from './text-file.js'

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

export interface RootKeyOptions extends PassphraseOptions {
  readonly rootKey?: string
}

/** Where the root key was moved to. */
export const rootKeyFile = () =>
  new Option('--root-key <file>', 'the root key, where it is kept elsewhere than in the state folder')

/** What a command knows of the root key that it may need. */
export interface RootKeyWish {
  readonly options: RootKeyOptions
  readonly terminal: Terminal
  readonly place: RootKeyPlace
  readonly isNeeded: boolean
}

/** How to reach the root key: asks for the passphrase where the key is needed, has one, and there is a terminal. */
export async function rootAccess({ options, terminal, place, isNeeded }: RootKeyWish): Promise<RootAccess> {
  const { passphraseFile: path, rootKey: file } = options
  const at = file === undefined ? {} : { file }
  if (path !== undefined) return { ...at, passphrase: await passphraseIn(path) }
  const mayAsk = isNeeded && (file !== undefined || place === 'under a passphrase')
  if (!mayAsk || !terminal.canAsk) return at
  const passphrase = await terminal.askSecret('Passphrase of the root key (empty: none): ')
  return passphrase === '' ? at : { ...at, passphrase }
}
