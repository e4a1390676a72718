import { clockToleranceMs, shortestLifeMs } from '@quorate/shared/certificate-request'
import { QuorateError } from '@quorate/shared/errors'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { type CertificateView, canonicalAddress, isSignedBy, keyMatches, readCertificate } from '@quorate/shared/pki'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { runAsUnit } from '../../host/transient-unit.js'
import type { ChangeContext } from '../context/operation.js'
import { pkiOn } from '../context/paths.js'
import { readSigned, requestPlace, requireLeaf } from '../signed-elsewhere/requests.js'
import { initDocument } from './control-plane.js'
import { isPhaseLine, kubeadmFailed } from './kubeadm-output.js'

export interface Pair {
  readonly certPem: string
  readonly keyPem: string
}

/** A serving certificate that kubeadm issues in the phase of its name. */
export type Issued = 'apiserver' | 'etcd-server' | 'etcd-peer'

/** Paths of it and its CA below pki, without extension. */
function placesOf(which: Issued): { readonly file: string; readonly ca: string } {
  const { path = which, ca } = requireLeaf(which)
  return { file: path, ca }
}

export const certificatePath = (host: Host, which: Issued) => pkiOn(host, `${placesOf(which).file}.crt`)
export const keyPath = (host: Host, which: Issued) => pkiOn(host, `${placesOf(which).file}.key`)
export const issuerPath = (host: Host, which: Issued) => pkiOn(host, `${placesOf(which).ca}.crt`)

export interface StagingWish {
  /** Of this operation, in tmpfs; its creator wipes it. */
  readonly folder: string
  /** The path for kubeadm. */
  readonly clusterConfiguration: string
}

/** A file of the control plane's pki that must exist. */
export async function requireText(host: Host, path: string): Promise<string> {
  const file = await host.read(path)
  if (file !== undefined) return file.bytes.toString('utf8')
  throw new QuorateError('CERTIFICATE_INVALID', `${path} is missing on this node`, { where: path })
}

/**
 * An API server certificate that may replace the one in use: issued by kubeadm if the CA's key is here, else the one
 * that was signed elsewhere for this run.
 */
export async function newCertificate(context: ChangeContext, wish: StagingWish): Promise<Pair> {
  const caKeyPath = await pkiOn(context.tools.host, 'ca.key')
  if ((await context.tools.host.read(caKeyPath, { followLinks: true })) !== undefined)
    return stageCertificate(context, 'apiserver', wish)
  const signed = (await readSigned(requestPlace(context))).find(({ leaf }) => leaf.name === 'apiserver')
  if (signed !== undefined) return { certPem: signed.certPem, keyPem: signed.key }
  throw new QuorateError(
    'CERTIFICATE_INVALID',
    `${caKeyPath} is not on this node, and no certificate was signed elsewhere for this run`,
    {
      where: caKeyPath,
      remedy: '`quorate convert` asks for one: docs/runbook.md#external-ca.',
    },
  )
}

/**
 * Makes kubeadm issue a certificate into a folder in tmpfs: kubeadm never replaces an existing one, and refuses --cert-dir
 * with --config, so a copy of the configuration names the folder, which also holds the CA. Nothing in use is touched.
 */
export async function stageCertificate(context: ChangeContext, which: Issued, wish: StagingWish): Promise<Pair> {
  const { tools, header, signal, progress, onceRecorded } = context
  const { host } = tools
  const certificatesDir = `${wish.folder}/pki`
  const config = `${wish.folder}/certs.yaml`
  const { file, ca } = placesOf(which)
  for (const name of [`${ca}.crt`, `${ca}.key`]) {
    const text = await requireText(host, await pkiOn(host, name))
    await host.replace(`${certificatesDir}/${name}`, Buffer.from(text), { mode: 0o600 })
  }
  const { clusterConfiguration } = wish
  const document = await initDocument(tools, { clusterConfiguration, certificatesDir })
  await host.replace(config, Buffer.from(document), { mode: 0o600 })
  const onLine = (line: string): void => {
    if (isPhaseLine(line)) progress(line)
  }
  const command = commands.issueCertificate(which, config)
  const { operationId } = header
  const label = which === 'apiserver' ? {} : { label: which }
  const { exitCode, output } = await runAsUnit({ host, operationId, ...label, command, onLine, signal, onceRecorded })
  if (exitCode !== 0) throw kubeadmFailed(`kubeadm init phase certs ${which}`, exitCode, output)
  return {
    certPem: await requireText(host, `${certificatesDir}/${file}.crt`),
    keyPem: await requireText(host, `${certificatesDir}/${file}.key`),
  }
}

/** The required names that a certificate lacks; addresses are compared in canonical form. */
export function missingSans({ sans }: CertificateView, wanted: readonly string[]): string[] {
  const present = new Set(sans.map(canonicalAddress))
  return wanted.filter((name) => !present.has(canonicalAddress(name)))
}

/** Checks that a serving certificate may replace the one in use; CERTIFICATE_INVALID with every problem. */
export function checkStaged(staged: Pair, caPem: string, wantedSans: readonly string[]): CertificateView {
  const view = readCertificate(staged.certPem)
  const missing = missingSans(view, wantedSans)
  const problems = [
    isSignedBy(staged.certPem, caPem) ? '' : 'it is not signed by its CA',
    keyMatches(staged.certPem, staged.keyPem) ? '' : 'its key does not match',
    missing.length === 0 ? '' : `it lacks ${missing.join(', ')}`,
    view.serverAuth ? '' : 'it is not valid for servers',
    view.notAfter.getTime() - Date.now() > shortestLifeMs ? '' : `it expires on ${view.notAfter.toISOString()}`,
    view.notBefore.getTime() - Date.now() < clockToleranceMs
      ? ''
      : `it is not valid before ${view.notBefore.toISOString()}`,
  ].filter((problem) => problem !== '')
  if (problems.length === 0) return view
  throw new QuorateError('CERTIFICATE_INVALID', `the new certificate is not usable: ${problems.join('; ')}`)
}

/** Replaces the pair in use, the key first: until the certificate follows they do not match, and the server keeps what it has loaded. */
export async function putPair(host: Host, which: Issued, { certPem, keyPem }: Pair): Promise<TouchedObject[]> {
  const put = async (name: string, pem: string, mode: number): Promise<TouchedObject> => {
    const before = await requireText(host, name)
    await host.replace(name, Buffer.from(pem), { mode })
    return { name, sha256Before: sha256Hex(before), sha256After: sha256Hex(pem) }
  }
  const key = await put(await keyPath(host, which), keyPem, 0o600)
  return [key, await put(await certificatePath(host, which), certPem, 0o644)]
}
