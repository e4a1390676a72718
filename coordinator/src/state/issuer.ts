import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { isOfFleet, isOfRoot } from '@quorate/shared/fleet-chain'
import { createIssuer, type KeyPair } from '@quorate/shared/issue-certificate'
import { keyMatches, pemBlocks } from '@quorate/shared/pki'
import { readFileAtMost } from '../config/read-file-at-most.js'
import { readRoots } from './fleet-ca.js'
import type { StatePaths } from './paths.js'
import { type RootAccess, readRoot } from './root-key.js'
import { isDue, type Validity, validityOf } from './validity.js'
import { writeDurably } from './write-file.js'

/** Issues every certificate of the fleet, for at most 90 days: the root key is only needed to make the next one. */
export interface Issuer extends KeyPair {
  /** Roots of the fleet, PEM: what peers trust. */
  readonly rootsPem: string
}

/**
 * The issuer of today. Where the root key lies in clear beside it, the next one is made in time; else the present one is good until its end, and
 * then ROOT_KEY_LOCKED, or STATE_NOT_INITIALISED where there is no root key.
 */
export async function readIssuer(paths: StatePaths): Promise<Issuer> {
  const rootsPem = (await readRoots(paths)).join('')
  const present = await presentIssuer(paths, rootsPem)
  if (present !== undefined && !isDue(validityOf(present.certPem), Date.now())) return { ...present, rootsPem }
  try {
    return { ...(await renewIssuer(paths)), rootsPem }
  } catch (error) {
    if (present !== undefined && validityOf(present.certPem).until > Date.now()) return { ...present, rootsPem }
    throw error instanceof QuorateError && error.code === 'ROOT_KEY_LOCKED' ? notHere(present, error) : error
  }
}

/**
 * The root whose issuer issues today, PEM: what a machine that joins is told to trust. While there is one root no issuer is asked, since systemd may keep
 * that for the service alone; while roots are exchanged, see `readIssuer` for the errors.
 */
export async function issuingRoot(paths: StatePaths): Promise<string> {
  const roots = await readRoots(paths)
  const [only, another] = roots
  if (only !== undefined && another === undefined) return only
  const { certPem } = await readIssuer(paths)
  return roots.find((root) => isOfRoot(certPem, root)) ?? ''
}

/** Makes the next issuer with the root key. The certificates of the one before stay good until their end. */
export async function renewIssuer(paths: StatePaths, access: RootAccess = {}): Promise<KeyPair> {
  const issuer = createIssuer(await readRoot(paths, access))
  // One file: a reader gets a pair that belongs together.
  await writeDurably(paths.issuer, `${issuer.certPem}${issuer.keyPem}`, 0o600)
  return issuer
}

/** When the present issuer began and ends; undefined where there is none yet. */
export async function issuerValidity(paths: StatePaths): Promise<Validity | undefined> {
  const present = await presentIssuer(paths, (await readRoots(paths)).join(''))
  return present === undefined ? undefined : validityOf(present.certPem)
}

/** Of the one in the state folder and the one that systemd gave this service, the one that ends later. */
async function presentIssuer({ issuer }: StatePaths, rootsPem: string): Promise<KeyPair | undefined> {
  const [own, given] = [await issuerIn(issuer, rootsPem), await issuerIn(givenIssuer(), rootsPem)]
  if (own === undefined || given === undefined) return own ?? given
  return validityOf(given.certPem).until > validityOf(own.certPem).until ? given : own
}

/** A credential of systemd (`LoadCredentialEncrypted=quorate-issuer`): so it need not lie in the state folder, where a copy would have it. */
function givenIssuer(): string | undefined {
  const { CREDENTIALS_DIRECTORY: folder } = process.env
  return folder === undefined ? undefined : join(folder, 'quorate-issuer')
}

/** Two certificates and a key are a few KiB. */
const largestFile = 64 * 1024

/** One of a root that is trusted no more is none. */
async function issuerIn(path: string | undefined, rootsPem: string): Promise<KeyPair | undefined> {
  if (path === undefined) return undefined
  const text = await readFileAtMost(path, largestFile).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return ''
    throw unreadable(path, cause)
  })
  if (text === '') return undefined
  const [certPem, keyPem] = [...pemBlocks(text, 'CERTIFICATE'), ...pemBlocks(text, 'PRIVATE KEY')].map(
    (pem) => `${pem}\n`,
  )
  if (certPem === undefined || keyPem === undefined || !isPair(certPem, keyPem)) throw unreadable(path)
  return isOfFleet(certPem, rootsPem, Date.now()) ? { certPem, keyPem } : undefined
}

function isPair(certPem: string, keyPem: string): boolean {
  try {
    return keyMatches(certPem, keyPem)
  } catch {
    return false
  }
}

/** No command that only issues asks for the passphrase: one that does makes the issuer, and systemd can hand over its own. */
const notHere = (present: KeyPair | undefined, locked: QuorateError): QuorateError =>
  new QuorateError(
    'ROOT_KEY_LOCKED',
    present === undefined
      ? 'there is no issuer here, and the root key is under a passphrase'
      : 'the issuer has ended, and the root key is under a passphrase',
    {
      ...(locked.where === undefined ? {} : { where: locked.where }),
      cause: locked,
      remedy:
        '`quorate renew issuer` asks for the passphrase and makes one. Where systemd keeps the issuer for the service, start this command with the same credential (docs/security.md#the-root-key).',
    },
  )

const unreadable = (where: string, cause?: unknown): QuorateError =>
  new QuorateError('STATE_NOT_INITIALISED', 'the issuer of this fleet cannot be read', {
    where,
    cause,
    remedy: `Restore ${where} from your backup of the state folder, or remove it: the root key makes another.`,
  })
