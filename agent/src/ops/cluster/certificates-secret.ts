import type { EtcdConfiguration } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import type { KubeApi } from '../../host/kube-api.js'
import { apiPath, type Secret } from './kube-objects.js'

export const certificatesSecret = apiPath.secret('kubeadm-certs')

const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system'
/** Lets a joiner's token read it (copycerts.go, createRBAC). Only upload-certs makes them. */
export const certificatesRole = [
  `${rbac}/rolebindings/kubeadm:kubeadm-certs`,
  `${rbac}/roles/kubeadm:kubeadm-certs`,
] as const

const common = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.pub', 'sa.key']

/**
 * Where the files of the Secret are, by their keys in it (copycerts.go, certsToTransfer): for an external etcd only those that kubeadm-config
 * names.
 */
export function sharedCertificatePaths(folder: string, etcd: EtcdConfiguration): Readonly<Record<string, string>> {
  const ofEtcd =
    etcd.kind === 'local'
      ? { 'etcd-ca.crt': `${folder}/etcd/ca.crt`, 'etcd-ca.key': `${folder}/etcd/ca.key` }
      : { 'external-etcd-ca.crt': etcd.caFile, 'external-etcd.crt': etcd.certFile, 'external-etcd.key': etcd.keyFile }
  const paths = { ...Object.fromEntries(common.map((file) => [file, `${folder}/${file}`])), ...ofEtcd }
  return Object.fromEntries(Object.entries(paths).filter(([, path]) => path !== ''))
}

export interface CertificatesWish {
  /** The Secret before the upload. */
  readonly before: Secret | undefined
  readonly etcd: EtcdConfiguration
  /** Of kubeadm-config. */
  readonly certificatesDir: string
  /** CAs whose key is not on this node (shared/src/kubeadm-certificates.ts): an empty value is correct for them. */
  readonly elsewhere: readonly string[]
}

/**
 * Verifies that kubeadm-certs is newly written and complete. kubeadm stores a missing file as an empty value, and a join skips
 * it (copycerts.go): the joiner would then fail much later.
 */
export async function requireCertificatesSecret(
  kube: KubeApi,
  { before, etcd, certificatesDir, elsewhere }: CertificatesWish,
  signal: AbortSignal,
): Promise<void> {
  const remedy = `Put every shared certificate and key, including the CA keys, into ${certificatesDir} on this node; those of an external etcd where kubeadm-config names them.`
  const secret = await kube.get<Secret>(certificatesSecret, signal)
  const version = secret?.metadata.resourceVersion
  if (secret === undefined || (before !== undefined && version === before.metadata.resourceVersion)) {
    throw new QuorateError('COMMAND_FAILED', 'kubeadm upload-certs succeeded but did not write Secret kubeadm-certs')
  }
  const lacking = Object.keys(sharedCertificatePaths(certificatesDir, etcd)).filter(
    (key) => (secret.data?.[key] ?? '') === '' && !elsewhere.some((ca) => key === `${ca.replace('/', '-')}.key`),
  )
  if (lacking.length === 0) return
  throw new QuorateError('COMMAND_FAILED', `Secret kubeadm-certs lacks ${lacking.join(', ')}`, { remedy })
}
