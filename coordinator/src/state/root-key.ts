import { rm } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
import type { KeyPair } from '@quorate/shared/issue-certificate'
import { keyMatches } from '@quorate/shared/pki'
import { readFileAtMost } from '../config/read-file-at-most.js'
import { damaged, readRoots, readState } from './fleet-ca.js'
import type { StatePaths } from './paths.js'
import { writeDurably } from './write-file.js'

/** Where the root key of a fleet is. */
export type RootKeyPlace = 'in clear' | 'under a passphrase' | 'elsewhere'

/** How the root key is reached: with its passphrase, from a file that was moved away, or both. */
export interface RootAccess {
  readonly passphrase?: string
  /** A copy of `ca.key.age` or `ca.key`. */
  readonly file?: string
}

/** Loaded where it is needed: most commands never touch the root key. */
const age = () => import('age-encryption')

/** The file can be copied and tried for years. */
const shortestPassphrase = 12
/** Far above a key in PEM, encrypted or not. */
const largestKeyFile = 16 * 1024

/** Where the root key of this state folder is. */
export async function rootKeyPlace(paths: StatePaths): Promise<RootKeyPlace> {
  const key = await keyTextOf(paths)
  if (key === undefined) return 'elsewhere'
  return key.isSealed ? 'under a passphrase' : 'in clear'
}

/**
 * The root of the fleet with its key. ROOT_KEY_LOCKED where a passphrase is needed or a wrong one was given; STATE_NOT_INITIALISED where the key
 * is not in the state folder.
 */
export async function readRoot(paths: StatePaths, { passphrase, file }: RootAccess = {}): Promise<KeyPair> {
  const [clear, sealed] = [file ?? paths.caKey, file ?? paths.sealedCaKey]
  const found = file === undefined ? undefined : await textOf(file)
  if (file !== undefined && found === undefined)
    throw new QuorateError('USAGE', 'the root key cannot be read', { where: file })
  // The last says what is missing.
  const text =
    found ?? (await textOf(paths.caKey)) ?? (await textOf(paths.sealedCaKey)) ?? (await readState(clear, paths))
  const isSealed = text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')
  const keyPem = isSealed ? await unsealed(text, passphrase, sealed) : text
  return { certPem: await rootOf(paths, keyPem, isSealed ? sealed : clear), keyPem }
}

/** The root that the key belongs to: while the CA is rotated there are two. */
async function rootOf(paths: StatePaths, keyPem: string, where: string): Promise<string> {
  const root = (await readRoots(paths)).find((one) => keyMatches(one, keyPem))
  if (root === undefined) throw damaged(where, 'is not the key of ca.crt')
  return root
}

/** The root key as it lies in the state folder; undefined where it is elsewhere. */
export async function keyTextOf(
  paths: StatePaths,
): Promise<{ readonly text: string; readonly isSealed: boolean } | undefined> {
  const clear = await textOf(paths.caKey)
  if (clear !== undefined) return { text: clear, isSealed: false }
  const sealed = await textOf(paths.sealedCaKey)
  return sealed === undefined ? undefined : { text: sealed, isSealed: true }
}

/** Puts the root key under a passphrase; the one in clear is removed once the other is on the disk. */
export async function protectRoot(paths: StatePaths, passphrase: string): Promise<void> {
  const { keyPem } = await readRoot(paths)
  await writeDurably(paths.sealedCaKey, await sealedText(keyPem, passphrase), 0o600)
  await rm(paths.caKey)
}

/** The key as `age --decrypt` opens it too. USAGE for a short passphrase. */
export async function sealedText(keyPem: string, passphrase: string): Promise<string> {
  if (passphrase.length < shortestPassphrase)
    throw new QuorateError('USAGE', `the passphrase needs at least ${shortestPassphrase} characters`, {
      remedy: 'Six words that no text has in a row are good, and can be typed.',
    })
  const { armor, Encrypter } = await age()
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  return armor.encode(await encrypter.encrypt(keyPem))
}

async function unsealed(text: string, passphrase: string | undefined, where: string): Promise<string> {
  if (passphrase === undefined)
    throw new QuorateError('ROOT_KEY_LOCKED', 'the root key is under a passphrase', { where })
  const { armor, Decrypter } = await age()
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  try {
    return await decrypter.decrypt(armor.decode(text), 'text')
  } catch (cause) {
    throw new QuorateError('ROOT_KEY_LOCKED', 'this is not the passphrase of the root key', { where, cause })
  }
}

async function textOf(path: string): Promise<string | undefined> {
  const text = await readFileAtMost(path, largestKeyFile).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR', 'FILE_TOO_LARGE'].includes(error.code ?? '')) return undefined
    throw new QuorateError('STATE_NOT_INITIALISED', `the root key cannot be read: ${error.code}`, {
      where: path,
      cause: error,
      remedy: 'Run it as the owner of the state folder, or name another with --state.',
    })
  })
  return text
}
