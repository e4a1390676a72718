import { shortcomingsOf } from '@quorate/shared/certificate-request'
import { QuorateError } from '@quorate/shared/errors'
import type { CertificateRequest, ExternalCa } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeadmCas, type LeafCertificate, leafCertificates, leafNamed } from '@quorate/shared/kubeadm-certificates'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import type { ChangeContext } from '../context/operation.js'
import { pkiPath, requestsFolder, requestsFolderOf } from '../context/paths.js'

/** Where the keys and requests of one run are on this node. */
export interface RequestPlace {
  readonly host: Host
  readonly folder: string
}

export const requestPlace = ({ tools, header }: Pick<ChangeContext, 'tools' | 'header'>): RequestPlace => ({
  host: tools.host,
  folder: requestsFolderOf(tools.stateFolder, header.runId),
})

/** The files of one request, the key's first: its own file, or the kubeconfig that contains it (kubeadm certs generate-csr). */
export const filesOf = ({ folder }: RequestPlace, { name, path }: LeafCertificate) => ({
  key: `${folder}/${path === undefined ? name : `${name}.key`}`,
  csr: `${folder}/${name}.csr`,
  certificate: `${folder}/${name}.crt`,
  ca: `${folder}/${name}.ca.crt`,
})

/** A certificate that was signed elsewhere, with its key. */
export interface Signed {
  readonly leaf: LeafCertificate
  /** PEM; for a kubeconfig the file that contains the key. */
  readonly key: string
  readonly certPem: string
  readonly caPem: string
}

const textOf = async (host: Host, path: string): Promise<string | undefined> =>
  (await host.read(path))?.bytes.toString('utf8')

/** The request of that name; undefined if this run made none here, or did not finish it. */
export async function readRequest(place: RequestPlace, leaf: LeafCertificate): Promise<string | undefined> {
  const { key, csr } = filesOf(place, leaf)
  return (await textOf(place.host, key)) === undefined ? undefined : textOf(place.host, csr)
}

/** The certificate of that table; NOT_IN_TABLE. */
export function requireLeaf(name: string): LeafCertificate {
  const leaf = leafNamed(name)
  if (leaf !== undefined) return leaf
  throw new QuorateError('NOT_IN_TABLE', `${JSON.stringify(name)} is none of the certificates of a control plane`)
}

/**
 * Every certificate that was signed elsewhere for this run and node, checked again: it may have been there for long. Empty if none was
 * requested; CERTIFICATE_INVALID if one is not signed.
 */
export async function readSigned(place: RequestPlace): Promise<readonly Signed[]> {
  const asked = await Promise.all(leafCertificates.map(async (leaf) => ({ leaf, csr: await readRequest(place, leaf) })))
  const signed: Signed[] = []
  for (const { leaf, csr } of asked) {
    if (csr === undefined) continue
    const files = filesOf(place, leaf)
    const [key, certPem, caPem] = await Promise.all(
      [files.key, files.certificate, files.ca].map((path) => textOf(place.host, path)),
    )
    if (key === undefined || certPem === undefined || caPem === undefined) throw unfit(leaf, ['it is not signed yet'])
    requireFit(leaf, { csr, certPem, caPem })
    signed.push({ leaf, key, certPem, caPem })
  }
  return signed
}

/** CERTIFICATE_INVALID, with every difference from the request. */
export function requireFit(
  leaf: LeafCertificate,
  { csr, certPem, caPem }: { readonly csr: string; readonly certPem: string; readonly caPem: string },
): void {
  const problems = shortcomingsOf(certPem, { csr, caPem, usages: leaf.usages, now: Date.now() })
  if (problems.length > 0) throw unfit(leaf, problems)
}

const unfit = ({ name }: LeafCertificate, problems: readonly string[]): QuorateError =>
  new QuorateError('CERTIFICATE_INVALID', `the certificate ${name} that was signed elsewhere: ${problems.join('; ')}`)

/** The CAs whose key is not here, and every request on this node, of any run. */
export async function readExternalCaFacts({ host, stateFolder }: { host: Host; stateFolder: string }): Promise<{
  externalCas: ExternalCa[]
  certificateRequests: CertificateRequest[]
}> {
  const folders = await readFolders(host)
  const cas = await Promise.all(
    kubeadmCas.map(async (name) => ({
      name,
      certificatePem: (await textOf(host, pkiPath(folders, `${name}.crt`))) ?? '',
      hasKey: (await host.read(pkiPath(folders, `${name}.key`), { followLinks: true })) !== undefined,
    })),
  )
  const runs = (await host.list(requestsFolder(stateFolder))).filter(({ kind }) => kind === 'directory')
  const requests = await Promise.all(runs.map(({ name }) => requestsOf({ host, stateFolder }, name)))
  return {
    externalCas: cas.flatMap(({ name, certificatePem, hasKey }) =>
      certificatePem === '' || hasKey ? [] : [{ name, certificatePem }],
    ),
    certificateRequests: requests.flat(),
  }
}

async function requestsOf(
  { host, stateFolder }: { host: Host; stateFolder: string },
  runId: string,
): Promise<CertificateRequest[]> {
  const place = { host, folder: requestsFolderOf(stateFolder, runId) }
  const present = new Set((await host.list(place.folder)).map(({ name }) => `${place.folder}/${name}`))
  const found = await Promise.all(
    leafCertificates.map(async (leaf) => {
      const csr = await readRequest(place, leaf)
      if (csr === undefined) return []
      return [{ runId, name: leaf.name, csr, isSigned: present.has(filesOf(place, leaf).certificate) }]
    }),
  )
  return found.flat()
}
