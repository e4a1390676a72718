import type { CertificateFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipConfPath } from '@quorate/shared/kube-vip-manifest'
import { type KubeconfigView, readKubeconfig } from '@quorate/shared/kubeconfig'
import type { KubeletPlaces } from '@quorate/shared/kubelet-command'
import { pemBlocks, readCertificate } from '@quorate/shared/pki'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { readFolders } from '../../host/node-folders.js'
import { kubeconfigsWith, pkiPath } from '../context/paths.js'
import { readPods } from './static-pods.js'
import { readLine } from './system.js'

const rotatedIn = ({ certDir }: Pick<KubeletPlaces, 'certDir'>): string => `${certDir}/kubelet-client-current.pem`

type CertificatePart = Pick<NodeFacts, 'certificates' | 'nodeName' | 'clusterCaPem' | 'caKeyPresent'>

/** Certificates of pki/, of the kubeconfigs (under the kubeconfig's path) and the kubelet's own; and the node's name from it. */
export async function readCertificateFacts(host: Host): Promise<CertificatePart> {
  const [folders, places] = await Promise.all([readFolders(host), readKubelet(host)])
  const { certificatesDir } = folders
  const kubeconfigs = [...Object.values(kubeconfigsWith(places)), kubeVipConfPath]
  const [files, inKubeconfigs, kubelet, ca] = await Promise.all([
    certificateFiles(host, certificatesDir, places),
    Promise.all(kubeconfigs.map((path) => embedded(host, path))),
    kubeconfigView(host, places.kubeconfig),
    readLine(host, pkiPath(folders, 'ca.crt')),
  ])
  const certificates = [...files, ...inKubeconfigs].filter((one) => one !== undefined)
  return {
    certificates,
    nodeName: await nodeName(host, kubelet, places),
    clusterCaPem: ca === '' ? (kubelet?.caPem ?? '') : `${ca}\n`,
    caKeyPresent: (await host.list(certificatesDir)).some(({ name }) => name === 'ca.key'),
  }
}

async function certificateFiles(
  host: Host,
  certificatesDir: string,
  kubelet: KubeletPlaces,
): Promise<(CertificateFacts | undefined)[]> {
  const folders = [certificatesDir, `${certificatesDir}/etcd`]
  const listed = await Promise.all(
    folders.map(async (folder) => (await host.list(folder)).map(({ name }) => `${folder}/${name}`)),
  )
  const known = [...listed.flat().filter((path) => path.endsWith('.crt')), rotatedIn(kubelet)]
  const paths = new Set([...known, ...(await etcdClientCertificates(host))])
  return Promise.all([...paths].map(async (path) => describe(path, await readLine(host, path))))
}

/** The API server's client certificate for an external etcd and that etcd's CA may be anywhere, and kubeadm renews neither. */
async function etcdClientCertificates(host: Host): Promise<string[]> {
  const pods = await readPods(host)
  const flags = pods.find(({ pod }) => pod.component === 'kube-apiserver')?.pod.flags ?? {}
  return [flags['etcd-cafile'], flags['etcd-certfile']].filter((path) => path !== undefined)
}

async function embedded(host: Host, path: string): Promise<CertificateFacts | undefined> {
  return describe(path, (await kubeconfigView(host, path))?.clientCertificatePem ?? '')
}

async function kubeconfigView(host: Host, path: string): Promise<KubeconfigView | undefined> {
  const file = await host.read(path).catch(() => undefined)
  try {
    return file === undefined ? undefined : readKubeconfig(file.bytes.toString('utf8'), filePlace(path))
  } catch {
    // The facts of the kubeconfig itself report what is wrong with it.
    return undefined
  }
}

/** The first certificate of a PEM text; in the kubelet's rotated file its key follows, which is never read. */
function describe(path: string, pem: string): CertificateFacts | undefined {
  const [first] = pemBlocks(pem, 'CERTIFICATE')
  if (first === undefined) return undefined
  try {
    const { subject, issuer, serial, sans, notBefore, notAfter, sha256, isCa, publicKeyPin } = readCertificate(first)
    return {
      ...{ path, subject, issuer, serial, sans: [...sans], sha256, isCa },
      notBeforeUnixMs: notBefore.getTime(),
      notAfterUnixMs: notAfter.getTime(),
      publicKeyPin: isCa ? publicKeyPin : '',
    }
  } catch {
    return undefined
  }
}

/** `system:node:NAME` is the common name of every kubelet's client certificate (Node authorizer). */
async function nodeName(host: Host, kubelet: KubeconfigView | undefined, places: KubeletPlaces): Promise<string> {
  if (kubelet === undefined) return ''
  const embeddedPem = kubelet.clientCertificatePem
  const path = kubelet.clientCertificatePath ?? rotatedIn(places)
  const pem = embeddedPem ?? (path.startsWith(`${places.certDir}/`) ? await readLine(host, path) : '')
  const subject = describe(path, pem)?.subject ?? ''
  return /CN=system:node:([^,/\s]+)/.exec(subject)?.[1] ?? ''
}
