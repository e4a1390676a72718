import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { offeredText } from '@quorate/shared/identity-offer'
import {
  type InstallAnswer,
  type InstallJob,
  installPaths,
  jobFile,
  parseInstallJob,
} from '@quorate/shared/install-job'
import { keyMatches } from '@quorate/shared/pki'
import { isTemporary } from '../host/durable-file.js'
import type { Host } from '../host/host.js'
import { linkInto, moveFolder, onlyOne } from '../host/place-file.js'
import { endIdentity, type Identity, writeIdentity } from './identity.js'
import { installedBinary, places, smallFiles } from './places.js'
import { exists, keepPrevious, putPreviousBack } from './previous.js'
import { labelFiles, startService, unitOfRelease } from './service.js'

const { home, config } = installPaths
/** An installation that a lost connection left alone ends within this. */
const patienceMs = 120_000

/** What a stream brought: its folder below `installPaths.home`, as the node sees it. */
interface Stream {
  readonly host: Host
  readonly from: string
}

/** Does the job of a stream that was unpacked into `from`, and says what became of it: it never throws. */
export async function install(stream: Stream): Promise<InstallAnswer> {
  const { host, from } = stream
  try {
    return await onlyOne(`quorate-agent install ${host.realPath('/')}`, patienceMs, async () => {
      await sweep(host, from)
      const text = (await host.read(`${from}/${jobFile}`))?.bytes.toString('utf8')
      if (text === undefined) throw new QuorateError('INVALID_REQUEST', 'the stream ended before it was complete')
      return await work[parseInstallJob(text).job](stream, parseInstallJob(text))
    })
  } catch (error) {
    const { message, remedy } = asQuorateError(error)
    return { ok: false, said: message, remedy }
  } finally {
    await host.remove(from, { recursive: true }).catch(() => undefined)
    await host.removeEmptyFolder(home).catch(() => undefined)
  }
}

const work: Readonly<Record<InstallJob['job'], (stream: Stream, job: InstallJob) => Promise<InstallAnswer>>> = {
  async stage({ host, from }, { node, sha256, identity }) {
    const binary = `${from}/quorate-agent`
    const used = (await exists(host, binary)) ? binary : installedBinary
    const found = await sha256Of(host, used)
    if (found !== sha256)
      throw new QuorateError('INVALID_REQUEST', `the binary arrived damaged: its sha256 is ${found}, not ${sha256}`)
    await moveFolder(host.realPath(from), host.realPath(places.staged))
    await host.remove(`${places.staged}/${jobFile}`)
    if (!identity) return { ok: true, said: 'the new binary is ready' }
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await host.replace(places.stagedKey, Buffer.from(keyPem), { mode: 0o600 })
    const signature = sign('sha256', offeredText(node, publicKeyPem), privateKey).toString('base64')
    return { ok: true, said: 'the node has made its key', publicKeyPem, signature }
  },
  async apply(stream, job) {
    const { host } = stream
    // Before anything is touched.
    const identity = job.identity ? await readIdentity(stream) : undefined
    await keepPrevious(host)
    try {
      await putIntoPlace(host, identity)
      return { ok: true, said: 'installed and started' }
    } catch (thrown) {
      const { message, remedy } = asQuorateError(thrown)
      const failed = await putPreviousBack(host).then(() => undefined, asQuorateError)
      const after = failed === undefined ? '' : `; going back failed too: ${failed.message}`
      return { ok: false, said: `${message}${after}`, remedy, asBefore: failed === undefined }
    }
  },
  async confirm({ host }) {
    await endIdentity(host)
    await host.remove(places.staged, { recursive: true })
    await host.remove(places.open)
    return { ok: true, said: 'confirmed' }
  },
  async rollback({ host }) {
    await putPreviousBack(host)
    return { ok: true, said: 'what the node had before is back', asBefore: true }
  },
}

/** CERTIFICATE_INVALID unless the certificate that came is for the key that was made here last. */
async function readIdentity({ host, from }: Stream): Promise<Identity> {
  const bytesOf = async (path: string): Promise<Buffer> => {
    const file = await host.read(path)
    if (file === undefined) throw new QuorateError('INVALID_REQUEST', `${path} did not come with the stream`)
    return file.bytes
  }
  const identity = {
    'agent.yaml': await bytesOf(`${from}/agent.yaml`),
    'fleet-ca.crt': await bytesOf(`${from}/fleet-ca.crt`),
    'node.crt': await bytesOf(`${from}/node.crt`),
    'node.key': await bytesOf(places.stagedKey),
  }
  if (!keyMatches(identity['node.crt'].toString(), identity['node.key'].toString()))
    throw new QuorateError('CERTIFICATE_INVALID', 'the certificate is not for the key that this node made last')
  return identity
}

async function putIntoPlace(host: Host, identity: Identity | undefined): Promise<void> {
  const unit = unitOfRelease()
  if (identity !== undefined) await writeIdentity(host, identity)
  if (!(await exists(host, installPaths.packagedUnit))) await host.replace(installPaths.unit, unit, { mode: 0o644 })
  if (await exists(host, places.stagedBinary))
    await linkInto(host.realPath(places.stagedBinary), host.realPath(installedBinary))
  await labelFiles(host, [...Object.values(smallFiles), installedBinary])
  await startService(host)
}

/** What an installation that was killed left, beside what counts. */
async function sweep(host: Host, from: string): Promise<void> {
  const remains = async (folder: string, isLeft: (name: string) => boolean) => {
    for (const { name } of await host.list(folder))
      if (isLeft(name)) await host.remove(`${folder}/${name}`, { recursive: true })
  }
  await remains('/usr/bin', (name) => name.startsWith('.quorate-agent.') && isTemporary(name))
  await remains('/etc/systemd/system', (name) => name.startsWith('.quorate-agent.') && isTemporary(name))
  await remains(config, isTemporary)
  const streams = (await host.list(home)).map(({ name }) => name).filter((name) => name.startsWith('incoming.'))
  // Each is called by the process that unpacked it: the others may be waiting for this one.
  for (const name of streams)
    if (`${home}/${name}` !== from && !(await exists(host, `/proc/${name.slice('incoming.'.length)}`)))
      await host.remove(`${home}/${name}`, { recursive: true })
}

async function sha256Of(host: Host, path: string): Promise<string | undefined> {
  const bytes = await host.readStream(path)
  if (bytes === undefined) return undefined
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}
