import { access, readFile } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
import { keyMatches, pemBlocks, readCertificate } from '@quorate/shared/pki'
import type { StatePaths } from './paths.js'

/** PEM texts of the coordinator's own identity. */
export interface CoordinatorIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** The coordinator's identity; STATE_NOT_INITIALISED when there is none. */
export async function readIdentity(paths: StatePaths): Promise<CoordinatorIdentity> {
  const [ca, cert, key] = await Promise.all(
    [paths.caCert, paths.coordinatorCert, paths.coordinatorKey].map((path) => readState(path, paths)),
  )
  const identity = {
    ca: ca as string,
    key: key as string,
    cert: await certificateFor(cert as string, key as string, paths),
  }
  requireReadable(identity.ca, paths.caCert)
  requireReadable(identity.cert, paths.coordinatorCert)
  if (!keyMatches(identity.cert, identity.key)) throw damaged(paths.coordinatorKey, 'is not the key of coordinator.crt')
  return identity
}

/** The certificate of the key: where a renewal was cut off before its last write, it lies beside. */
async function certificateFor(cert: string, key: string, { coordinatorCert }: StatePaths): Promise<string> {
  const next = await readFile(`${coordinatorCert}.next`, 'utf8').catch(() => '')
  return next !== '' && !keyMatches(cert, key) && keyMatches(next, key) ? next : cert
}

function requireReadable(pem: string, path: string): void {
  try {
    readCertificate(pem)
  } catch (cause) {
    throw damaged(path, 'is not a PEM certificate', cause)
  }
}

/** A file of the fleet that cannot be used. */
export const damaged = (path: string, why: string, cause?: unknown): QuorateError =>
  new QuorateError('STATE_NOT_INITIALISED', `a file of this fleet ${why}`, {
    where: path,
    cause,
    remedy: `Restore ${path} from your backup of the state folder.`,
  })

/** Certificates of the roots that the fleet trusts, PEM each: one, or two while the CA is rotated, the newer first. */
export async function readRoots(paths: StatePaths): Promise<readonly string[]> {
  const text = await readState(paths.caCert, paths)
  requireReadable(text, paths.caCert)
  return [...pemBlocks(text, 'CERTIFICATE')].map((pem) => `${pem}\n`)
}

/** A file that `init` made; STATE_NOT_INITIALISED when there is no fleet, or the fleet lacks this file. */
export async function readState(path: string, paths: StatePaths): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new QuorateError('STATE_NOT_INITIALISED', `the state folder cannot be read: ${code}`, {
        where: path,
        cause,
        remedy: 'Run it as the owner of the state folder, or name another with --state.',
      })
    if (await hasFleet(paths))
      throw new QuorateError('STATE_NOT_INITIALISED', 'a file of this fleet is missing', {
        where: path,
        cause,
        remedy: `Restore ${path} from your backup of the state folder.`,
      })
    throw new QuorateError('STATE_NOT_INITIALISED', 'there is no fleet in this state folder', {
      where: paths.folder,
      cause,
    })
  }
}

/** Whether there is no fleet in this folder: what cannot be read may hold one. */
export const hasNoFleet = ({ caCert }: StatePaths): Promise<boolean> =>
  access(caCert).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ENOTDIR',
  )

/** Whether `init` has completed: it writes the CA's certificate last. */
const hasFleet = ({ caCert }: StatePaths): Promise<boolean> =>
  access(caCert).then(
    () => true,
    () => false,
  )
