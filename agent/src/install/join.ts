import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { certificatesIn, isOfFleet } from '@quorate/shared/fleet-chain'
import { offeredText } from '@quorate/shared/identity-offer'
import { installPaths, objectIn } from '@quorate/shared/install-job'
import type { NodeToken } from '@quorate/shared/node-token'
import { keyMatches, readCertificate } from '@quorate/shared/pki'
import type { Host } from '../host/host.js'
import { type PinnedPlace, postPinned } from '../host/pinned-post.js'
import { onlyOne } from '../host/place-file.js'
import { endIdentity, type Identity, writeIdentity } from './identity.js'
import { smallFiles } from './places.js'
import { exists } from './previous.js'
import { labelFiles, startService, unitOfRelease } from './service.js'

const { config, unit, packagedUnit } = installPaths
/** The key of a machine that has not joined yet: kept, because its token is for this key from the first time on. */
const joiningKey = `${config}/node.key.joining`
const patienceMs = 120_000

export interface JoinWish {
  readonly coordinator: Omit<PinnedPlace, 'pin'>
  readonly token: NodeToken
}

/** What was done. */
export interface Joined {
  readonly node: string
  /** It had joined before: nothing was changed. */
  readonly already: boolean
}

/**
 * Joins this machine to the fleet of a token: makes a key, has it certified, writes /etc/quorate, starts the agent. Killed at any moment, the same
 * command again ends it. ALREADY_JOINED for a machine of another fleet or name.
 */
export function join(host: Host, wish: JoinWish): Promise<Joined> {
  return onlyOne(`quorate-agent install ${host.realPath('/')}`, patienceMs, () => joinAlone(host, wish))
}

async function joinAlone(host: Host, { coordinator, token }: JoinWish): Promise<Joined> {
  const { node, pin, secret } = token
  const unitText = unitOfRelease()
  const present = await presentIdentity(host)
  if (present !== undefined) {
    requireSame(present, token)
    await endJoin(host)
    return { node, already: true }
  }
  const keyPem = await ownKey(host)
  const publicKeyPem = createPublicKey(keyPem).export({ type: 'spki', format: 'pem' }).toString()
  const signature = sign('sha256', offeredText(node, publicKeyPem), keyPem).toString('base64')
  const { status, body } = await postPinned({ ...coordinator, pin }, '/v1/join', {
    token: secret,
    json: { node, publicKeyPem, signature },
  })
  if (status !== 200) throw refused(body, status)
  const identity = identityIn(body, { token, keyPem })
  await writeIdentity(host, { ...identity, 'agent.yaml': await withOwnSettings(host, identity['agent.yaml']) })
  await endJoin(host)
  if (!(await exists(host, unit)) && !(await exists(host, packagedUnit)))
    await host.replace(unit, unitText, { mode: 0o644 })
  await labelFiles(host, Object.values(smallFiles))
  await startService(host)
  return { node, already: false }
}

/** The certificate and key that this machine has; undefined where it has no pair. */
async function presentIdentity(
  host: Host,
): Promise<{ readonly certificate: string; readonly roots: string } | undefined> {
  const text = async (name: string) => (await host.read(`${config}/${name}`))?.bytes.toString('utf8')
  const [certificate, key, roots] = [await text('node.crt'), await text('node.key'), await text('fleet-ca.crt')]
  if (certificate === undefined || key === undefined || roots === undefined) return undefined
  return keyMatches(certificate, key) ? { certificate, roots } : undefined
}

function requireSame(
  { certificate, roots }: { readonly certificate: string; readonly roots: string },
  { node, pin }: NodeToken,
): void {
  const isSameFleet = certificatesIn(roots).some((root) => keyOf(root) === pin)
  const names = readCertificate(certificate).sans
  if (isSameFleet && names.includes(node)) return
  throw new QuorateError(
    'USAGE',
    isSameFleet
      ? `this machine has joined as ${names[0]}, the token is for ${node}`
      : 'this machine belongs to another fleet',
    {
      where: `${config}/node.crt`,
      remedy: `If it is to change: \`systemctl disable --now quorate-agent\`, remove ${config} and ${installPaths.state}, then run this command again.`,
    },
  )
}

async function ownKey(host: Host): Promise<string> {
  const kept = (await host.read(joiningKey))?.bytes.toString('utf8')
  if (kept !== undefined) return kept
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  if (!(await exists(host, config))) await host.makeFolder(config, { mode: 0o750, uid: 0, gid: 0 })
  await host.replace(joiningKey, Buffer.from(keyPem), { mode: 0o600 })
  return keyPem
}

async function endJoin(host: Host): Promise<void> {
  await endIdentity(host)
  await host.remove(joiningKey)
}

/** What an image or an operator put into agent.yaml stays. */
async function withOwnSettings(host: Host, text: Buffer): Promise<Buffer> {
  const before = (await host.read(`${config}/agent.yaml`))?.bytes.toString('utf8') ?? ''
  const kept = before.match(/^(?:criSocket|stateFolder): .*$/gm) ?? []
  return Buffer.from(text.toString('utf8') + kept.map((line) => `${line}\n`).join(''))
}

/** CERTIFICATE_INVALID unless it is a certificate of the pinned fleet, for this name and this key. */
function identityIn(
  body: string,
  { token: { node, pin }, keyPem }: { readonly token: NodeToken; readonly keyPem: string },
): Identity {
  const files = filesIn(body)
  const bad = (why: string) =>
    new QuorateError('CERTIFICATE_INVALID', `the coordinator sent ${why}: nothing was written`)
  if (files === undefined) throw bad('no identity')
  const { certificate, roots, settings } = files
  if (!certificatesIn(roots).some((root) => keyOf(root) === pin))
    throw bad('roots without the one that the token names')
  if (!isOfFleet(certificate, roots, Date.now()))
    throw bad('a certificate that is not of its fleet, or whose issuer is not valid by the clock of this machine')
  if (!keyMatches(certificate, keyPem)) throw bad('a certificate for another key')
  if (!readCertificate(certificate).sans.includes(node)) throw bad('a certificate for another name')
  const bytes = (text: string) => Buffer.from(text)
  return {
    'agent.yaml': bytes(settings),
    'fleet-ca.crt': bytes(roots),
    'node.crt': bytes(certificate),
    'node.key': bytes(keyPem),
  }
}

function filesIn(
  body: string,
): { readonly certificate: string; readonly roots: string; readonly settings: string } | undefined {
  const { files } = (objectIn(body) ?? {}) as { files?: Readonly<Record<string, unknown>> }
  const [certificate, roots, settings] = ['node.crt', 'fleet-ca.crt', 'agent.yaml'].map((name) => files?.[name])
  if (typeof certificate !== 'string' || typeof roots !== 'string' || typeof settings !== 'string') return undefined
  return { certificate, roots, settings }
}

/** What the coordinator said, as an error of this program. */
function refused(body: string, status: number): QuorateError {
  const { message, remedy } = (objectIn(body) ?? {}) as Readonly<Record<string, unknown>>
  if (status === 429)
    return new QuorateError('COORDINATOR_UNREACHABLE', 'the coordinator was asked too often from this address', {
      remedy: 'Wait a minute, then run this command again.',
    })
  return new QuorateError(
    'NOT_AUTHENTICATED',
    typeof message === 'string' ? message : `the coordinator answered with status ${status}`,
    typeof remedy === 'string' ? { remedy } : {},
  )
}
