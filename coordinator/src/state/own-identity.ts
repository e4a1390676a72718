import { createPrivateKey } from 'node:crypto'
import { lstat, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { isOfRoot } from '@quorate/shared/fleet-chain'
import { type CertificateView, keyMatches, readCertificate } from '@quorate/shared/pki'
import { readAtMost } from '@quorate/shared/read-at-most'
import { isPersonName, type Role, rolesIn } from '@quorate/shared/roles'

/** Who uses the command line with an identity of `quorate identity issue`. */
export interface Person {
  readonly name: string
  readonly role: Role
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
}

/** A person with what proves it: PEM texts. */
export interface OwnIdentity extends Person {
  /** Where it was read from. */
  readonly folder: string
  /** SHA-256 of the public key. */
  readonly key: string
  readonly certPem: string
  readonly keyPem: string
  /** The roots of the fleet as they were when it was issued. */
  readonly caPem: string
}

/** Certificates and a key are a few KiB. */
const largest = 64 * 1024

/**
 * The identity in a person's folder: identity.crt, identity.key and fleet-ca.crt, as `quorate identity issue` wrote them. USAGE where it
 * cannot be used now. `now`: Unix milliseconds.
 */
export async function readOwnIdentity(folder: string, now: number): Promise<OwnIdentity> {
  await requireOwnFolder(folder)
  const [certPem, caPem] = [await readIn(folder, 'identity.crt'), await readIn(folder, 'fleet-ca.crt')]
  const keyPem = await readIn(folder, 'identity.key', { isSecret: true })
  const certificate = viewOf(certPem, folder)
  requireKey({ certPem, keyPem }, folder)
  requireDates(certificate, now, folder)
  requireRoot(certPem, caPem, folder)
  const { commonName: name, sha256: fingerprint, publicKeyPin } = certificate
  const key = publicKeyPin.slice('sha256:'.length)
  return { name, role: roleOf(certificate, folder), fingerprint, key, folder, certPem, keyPem, caPem }
}

/** USAGE where no root of this fleet issued it. `roots`: PEM. */
export function requireRoot(certPem: string, roots: string, folder: string): void {
  if (isOfRoot(certPem, roots)) return
  throw new QuorateError('USAGE', 'the identity is of another fleet: no root of this one issued it', {
    where: join(folder, 'identity.crt'),
    remedy:
      'Use the identity of this fleet, or name its state folder with --state. After `quorate root retire` persons need new identities: quorate identity issue.',
  })
}

function requireDates({ commonName, notBefore, notAfter }: CertificateView, now: number, folder: string): void {
  const isOver = notAfter.getTime() <= now
  if (!isOver && notBefore.getTime() <= now) return
  const when = isOver ? `expired on ${notAfter.toISOString()}` : `is not valid before ${notBefore.toISOString()}`
  throw new QuorateError('USAGE', `the certificate of ${commonName} ${when}`, {
    where: join(folder, 'identity.crt'),
    remedy: isOver
      ? `Have another one issued: quorate identity issue ${commonName} --role ROLE --to DIR`
      : 'Check the clock of this machine: timedatectl status',
  })
}

function requireKey({ certPem, keyPem }: { readonly certPem: string; readonly keyPem: string }, folder: string): void {
  const where = join(folder, 'identity.key')
  if (isSealed(keyPem))
    throw new QuorateError('USAGE', 'the private key is under a passphrase, which this command does not ask for', {
      where,
      remedy: `Keep it on an encrypted disk instead: openssl pkey -in ${where} -out ${where}.plain && mv ${where}.plain ${where} && chmod 600 ${where}`,
    })
  if (keyMatches(certPem, keyPem)) return
  throw new QuorateError('USAGE', 'identity.key is not the key of identity.crt', {
    where: folder,
    remedy: 'Put both of the same identity there.',
  })
}

function isSealed(keyPem: string): boolean {
  try {
    createPrivateKey(keyPem)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE' || keyPem.includes('ENCRYPTED')
  }
}

/** A person has one role. */
function roleOf({ commonName, organizations, isCa }: CertificateView, folder: string): Role {
  const [role, ...more] = rolesIn(organizations)
  if (role !== undefined && more.length === 0 && !isCa && isPersonName(commonName)) return role
  throw new QuorateError('USAGE', 'identity.crt is not the certificate of a user with one role', {
    where: join(folder, 'identity.crt'),
    remedy: 'Use what `quorate identity issue NAME --role ROLE --to DIR` wrote.',
  })
}

function viewOf(certPem: string, folder: string): CertificateView {
  try {
    return readCertificate(certPem)
  } catch (cause) {
    throw new QuorateError('USAGE', 'identity.crt is not a PEM certificate', {
      where: join(folder, 'identity.crt'),
      cause,
      remedy: 'Copy it again from what `quorate identity issue` wrote.',
    })
  }
}

/** Who uses it, by sudo too, and root. */
function owners(): readonly (number | undefined)[] {
  const own = process.getuid?.()
  const bySudo = own === 0 ? Number(process.env['SUDO_UID'] ?? 0) : own
  return [own, 0, bySudo]
}

async function requireOwnFolder(folder: string): Promise<void> {
  const found = await lstat(resolve(folder)).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(folder, cause)
  })
  if (found.isSymbolicLink() || (owners().includes(found.uid) && (found.mode & 0o022) === 0)) return
  throw new QuorateError('USAGE', 'other users can write to the folder of the identity', {
    where: folder,
    remedy: `chown $USER ${folder}; chmod 700 ${folder}`,
  })
}

async function readIn(folder: string, name: string, { isSecret = false } = {}): Promise<string> {
  const path = join(folder, name)
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  try {
    const { uid, mode, size } = await file.stat()
    if (isSecret) requirePrivate(path, { uid, mode })
    return (await readAtMost(file, { path, size, mostBytes: largest })).toString('utf8')
  } catch (cause) {
    if (cause instanceof QuorateError) throw cause
    throw unreadable(path, cause as NodeJS.ErrnoException)
  } finally {
    await file.close()
  }
}

function requirePrivate(path: string, { uid, mode }: { readonly uid: number; readonly mode: number }): void {
  const why = !owners().includes(uid)
    ? `the private key belongs to another user (uid ${uid})`
    : (mode & 0o077) === 0
      ? undefined
      : 'others than its owner may read the private key'
  if (why === undefined) return
  throw new QuorateError('USAGE', why, {
    where: path,
    remedy: `chmod 600 ${path}, and have another identity issued if it may have been read.`,
  })
}

const unreadable = (where: string, cause: NodeJS.ErrnoException): QuorateError =>
  new QuorateError('USAGE', `the identity cannot be read: ${cause.code}`, {
    where,
    cause,
    remedy: 'Name the folder of `quorate identity issue NAME --role ROLE --to DIR` with --identity.',
  })
