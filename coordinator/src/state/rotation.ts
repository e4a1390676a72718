import { readFile, rm } from 'node:fs/promises'
import { createFleetCa, createIssuer, type KeyPair } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import { signTrustBundle, trustNumber, trustText } from '@quorate/shared/trust-bundle'
import { z } from 'zod'
import { damaged, readState } from './fleet-ca.js'
import { alone } from './fleet-lock.js'
import type { StatePaths } from './paths.js'
import { keyTextOf, type RootAccess, readRoot, sealedText } from './root-key.js'
import { writeDurably } from './write-file.js'

/** A root with all that issues below it. */
const side = z.object({
  /** Certificate of the root, PEM. */
  root: z.string(),
  /** Its key as it lies in the state folder; absent where it is kept elsewhere. */
  rootKey: z.object({ text: z.string(), isSealed: z.boolean() }).optional(),
  /** Certificate and key of the issuer; absent where there was none yet. */
  issuer: z.string().optional(),
  /** The bundle of this root alone, as it is signed and as a file. */
  alone: z.object({ document: z.string(), text: z.string() }),
})

const file = z.object({
  /** Unix milliseconds. */
  startedAt: z.number(),
  before: side,
  after: side,
  /** The bundle of both roots. */
  both: z.object({ document: z.string(), text: z.string() }),
})

/** A root that takes over from another. All that needs a root key was signed when it began: what follows asks for no passphrase. */
export type Rotation = z.output<typeof file>
export type Side = 'before' | 'after'

/** How a rotation reaches the root key of today, and what the next one is put under. */
export interface RotationKeys {
  readonly present: RootAccess
  /** Unset: the next root key lies in clear. */
  readonly passphrase?: string | undefined
}

/** The rotation that is under way; undefined where there is none. STATE_NOT_INITIALISED where its file cannot be read. */
export async function readRotation({ rotation }: StatePaths): Promise<Rotation | undefined> {
  const text = await textOf(rotation)
  if (text === undefined) return undefined
  try {
    return file.parse(JSON.parse(text))
  } catch (cause) {
    throw damaged(rotation, 'cannot be read', cause)
  }
}

/**
 * Makes the next root and its issuer, and signs what nodes will be given. Trusted by none yet. The rotation that there is already, if there is one.
 * ROOT_KEY_LOCKED, STATE_NOT_INITIALISED.
 */
export const beginRotation = (paths: StatePaths, keys: RotationKeys): Promise<Rotation> =>
  alone(paths, async () => (await readRotation(paths)) ?? begin(paths, keys))

async function begin(paths: StatePaths, { present, passphrase }: RotationKeys): Promise<Rotation> {
  const before = await readRoot(paths, present)
  const after = createFleetCa(fleetIdIn(before.certPem))
  const issuer = createIssuer(after)
  const number = trustNumber(await readState(paths.caCert, paths)) + 1
  const bundle = (of: { number: number; roots: string }, signer: KeyPair) => ({
    document: signTrustBundle(of, signer),
    text: trustText(of),
  })
  const rotation: Rotation = {
    startedAt: Date.now(),
    both: bundle({ number, roots: after.certPem + before.certPem }, before),
    // Only one of these is used: a rotation that gives up the root of before cannot be undone.
    before: {
      root: before.certPem,
      rootKey: await keyTextOf(paths),
      issuer: await textOf(paths.issuer),
      alone: bundle({ number: number + 1, roots: before.certPem }, before),
    },
    after: {
      root: after.certPem,
      rootKey:
        passphrase === undefined
          ? { text: after.keyPem, isSealed: false }
          : { text: await sealedText(after.keyPem, passphrase), isSealed: true },
      issuer: `${issuer.certPem}${issuer.keyPem}`,
      alone: bundle({ number: number + 1, roots: after.certPem }, after),
    },
  }
  await writeDurably(paths.rotation, `${JSON.stringify(rotation, null, 2)}\n`, 0o600)
  return rotation
}

const fleetIdIn = (root: string): string => readCertificate(root).commonName.replace(/^quorate fleet /, '')

/** This state folder trusts these roots from now on. */
export const trustHere = (paths: StatePaths, { text }: { readonly text: string }): Promise<void> =>
  alone(paths, () => writeDurably(paths.caCert, text, 0o644))

/** Issues below one of the two roots from now on: its key and its issuer take their places. Done twice it is as done once. */
export const issueBelow = (paths: StatePaths, { rootKey, issuer }: Rotation[Side]): Promise<void> =>
  alone(paths, async () => {
    const [place, other] = rootKey?.isSealed ? [paths.sealedCaKey, paths.caKey] : [paths.caKey, paths.sealedCaKey]
    if (rootKey !== undefined) await writeDurably(place, rootKey.text, 0o600)
    await Promise.all([other, ...(rootKey === undefined ? [place] : [])].map((path) => rm(path, { force: true })))
    if (issuer === undefined) await rm(paths.issuer, { force: true })
    else await writeDurably(paths.issuer, issuer, 0o600)
  })

/** Ends a rotation: only what lies in its place in the state folder is left. */
export const forgetRotation = (paths: StatePaths): Promise<void> =>
  alone(paths, () => rm(paths.rotation, { force: true }))

const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
