import { readFile } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
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
    [paths.caCert, paths.coordinatorCert, paths.coordinatorKey].map((path) => readState(path, paths.folder)),
  )
  return { ca: ca as string, cert: cert as string, key: key as string }
}

/** The CA with its key: only enrolment reads it. */
export async function readCa(paths: StatePaths): Promise<{ certPem: string; keyPem: string }> {
  return { certPem: await readState(paths.caCert, paths.folder), keyPem: await readState(paths.caKey, paths.folder) }
}

/** A file that `init` made; STATE_NOT_INITIALISED when it is not there. */
export async function readState(path: string, folder: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new QuorateError('STATE_NOT_INITIALISED', 'there is no fleet in this state folder', {
        where: folder,
        cause,
      })
    throw new QuorateError('STATE_NOT_INITIALISED', `the state folder cannot be read: ${code}`, {
      where: path,
      cause,
      remedy: 'Run it as the user who made the state folder, or name another with --state.',
    })
  }
}
