import { lstat, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signingKey } from '@quorate/shared/approval'
import { QuorateError } from '@quorate/shared/errors'
import { certifyKey, issueCertificate } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import { isPersonName, type Role, roles } from '@quorate/shared/roles'
import { z } from 'zod'
import { refuseSharedFolder } from './enroll-bundle.js'
import { readRoots } from './fleet-ca.js'
import { personCertificate } from './identities.js'
import { recordIssued } from './issued-keys.js'
import type { StatePaths } from './paths.js'
import { type RootAccess, readRoot } from './root-key.js'
import { writeDurably } from './write-file.js'

const file = z.object({
  identities: z.array(
    z.object({
      name: z.string(),
      role: z.enum(roles),
      fingerprint: z.string(),
      issuedAt: z.number(),
      expiresAt: z.number(),
      root: z.string().optional(),
    }),
  ),
})

/** An identity that was issued to a person. */
export interface PersonIdentity {
  readonly name: string
  readonly role: Role
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
  /** Unix milliseconds. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** SHA-256 of the root that issued it; unset: an earlier version did not record it. */
  readonly root?: string | undefined
}

export interface IdentityRequest {
  readonly name: string
  readonly role: Role
  readonly days: number
  /** Folder that receives identity.crt, fleet-ca.crt and, without `publicKey`, identity.key. */
  readonly folder: string
  /** PEM of a key that the person made: then the private key never leaves that person's machine. */
  readonly publicKey?: string
  readonly root?: RootAccess
}

/**
 * Issues the certificate of a person with the root key, and records it: who may approve is not up to the issuer, which operators have.
 * ROOT_KEY_LOCKED; USAGE where that name has another role: one person has one.
 */
export async function issueIdentity(
  paths: StatePaths,
  request: IdentityRequest,
): Promise<{ readonly identity: PersonIdentity; readonly files: readonly string[] }> {
  const { name, role, folder } = request
  const known = await listIdentities(paths)
  requireOneRole(request, known)
  const ca = await readRoot(paths, request.root)
  await refuseSharedFolder(folder)
  await refuseUsed(folder)
  const { certPem, keyPem } = issued(personCertificate(ca, request), request.publicKey)
  await recordIssued(paths, name, certPem)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await refuseSharedFolder(folder)
  const files: readonly (readonly [string, string, number])[] = [
    ['fleet-ca.crt', (await readRoots(paths)).join(''), 0o644],
    ['identity.crt', certPem, 0o644],
    ...(keyPem === undefined ? [] : ([['identity.key', keyPem, 0o600]] as const)),
  ]
  for (const [file, text, mode] of files) await writeDurably(join(folder, file), text, mode)
  const { notAfter, sha256: fingerprint } = readCertificate(certPem)
  const { sha256: root } = readCertificate(ca.certPem)
  const identity = { name, role, fingerprint, issuedAt: Date.now(), expiresAt: notAfter.getTime(), root }
  await writeDurably(paths.identities, `${JSON.stringify({ identities: [...known, identity] }, null, 2)}\n`, 0o600)
  return { identity, files: files.map(([file]) => join(folder, file)) }
}

type Wish = ReturnType<typeof personCertificate>
const issued = (wish: Wish, publicKey: string | undefined): { certPem: string; keyPem?: string } =>
  publicKey === undefined ? issueCertificate(wish) : { certPem: certifyKey(wish, signingKey(publicKey)) }

/** Identities of persons in the order in which they were issued, expired ones too. */
export async function listIdentities(paths: StatePaths): Promise<readonly PersonIdentity[]> {
  const text = await readFile(paths.identities, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"identities":[]}'
    throw error
  })
  try {
    return file.parse(JSON.parse(text)).identities
  } catch (cause) {
    throw new QuorateError('USAGE', 'the list of identities cannot be read', {
      where: paths.identities,
      cause,
      remedy: 'Restore this file from your backup of the state folder.',
    })
  }
}

function requireOneRole({ name, role }: IdentityRequest, known: readonly PersonIdentity[]): void {
  if (!isPersonName(name))
    throw new QuorateError('USAGE', 'the name of a user has lower-case letters, digits and hyphens, at most 40', {
      remedy: 'For instance: quorate identity issue alice --role approver --to ./alice',
    })
  const other = known.find((one) => one.name === name && one.role !== role && one.expiresAt > Date.now())
  if (other === undefined) return
  throw new QuorateError('USAGE', `${name} is ${other.role} until ${new Date(other.expiresAt).toISOString()}`, {
    remedy: 'One name has one role at a time. Give the role to another person.',
  })
}

async function refuseUsed(folder: string): Promise<void> {
  const present = await lstat(join(folder, 'identity.crt')).catch(() => undefined)
  if (present === undefined) return
  throw new QuorateError('USAGE', 'the folder holds an identity', {
    where: folder,
    remedy: 'Name a folder that does not exist yet with --to.',
  })
}
