import { createCipheriv, randomBytes } from 'node:crypto'
import type { EtcdConfiguration } from '@quorate/shared/cluster-config-map'
import type { Host } from '../../host/host.js'
import type { KubeApi } from '../../host/kube-api.js'
import { certificatesRole, certificatesSecret, sharedCertificatePaths } from './certificates-secret.js'
import { apiPath, type Secret } from './kube-objects.js'

export interface PutWish {
  readonly host: Host
  readonly etcd: EtcdConfiguration
  /** Of kubeadm-config. */
  readonly certificatesDir: string
  /** 32 bytes in hexadecimal. */
  readonly certificateKey: string
  /** Id of the token that owns the Secret and ends with it. */
  readonly tokenId: string
}

/** CAs without whose keys kubeadm refuses to upload (app/cmd/phases/init/uploadcerts.go; seen on 1.37.2). */
export const refusesUpload = (elsewhere: readonly string[]): boolean =>
  elsewhere.some((ca) => ca === 'ca' || ca === 'front-proxy-ca')

/**
 * Writes Secret kubeadm-certs like kubeadm's upload-certs (app/phases/copycerts/copycerts.go), which refuses without a CA's key although
 * its join accepts such a Secret: each file encrypted, a missing one empty, and the right to read it for tokens of joiners.
 */
export async function putCertificatesSecret(
  kube: KubeApi,
  { host, etcd, certificatesDir, certificateKey, tokenId }: PutWish,
  signal: AbortSignal,
): Promise<void> {
  const files = Object.entries(sharedCertificatePaths(certificatesDir, etcd)).map(async ([key, path]) => {
    const file = await host.read(path, { followLinks: true })
    return [key, file === undefined ? '' : encrypted(file.bytes, certificateKey).toString('base64')] as const
  })
  const data = Object.fromEntries(await Promise.all(files))
  const owner = await kube.get<Secret>(apiPath.secret(`bootstrap-token-${tokenId}`), signal)
  const ownerReferences = [
    {
      ...{ apiVersion: 'v1', kind: 'Secret', name: `bootstrap-token-${tokenId}`, uid: owner?.metadata.uid },
      ...{ blockOwnerDeletion: true, controller: true },
    },
  ]
  await kube.remove(certificatesSecret, signal)
  const metadata = { name: 'kubeadm-certs', namespace: 'kube-system', ownerReferences }
  await kube.create(apiPath.secrets, { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data }, signal)
  await letJoinersRead(kube, signal)
}

/** Nonce, ciphertext, tag: Go's GCM with the nonce in front (k8s.io/cluster-bootstrap and kubeadm's util/crypto). */
function encrypted(plain: Uint8Array, key: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'hex'), nonce)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The Role that lets joiners read the Secret, and its binding, each with its path. */
export function certificatesRights(): readonly { readonly path: string; readonly body: unknown }[] {
  const [binding, role] = certificatesRole
  const [apiGroup, name] = ['rbac.authorization.k8s.io', 'kubeadm:kubeadm-certs']
  const metadata = { name, namespace: 'kube-system' }
  const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['kubeadm-certs'], verbs: ['get'] }]
  const group = { kind: 'Group', apiGroup, name: 'system:bootstrappers:kubeadm:default-node-token' }
  const wanted = [
    [role, { kind: 'Role', rules }],
    [binding, { kind: 'RoleBinding', roleRef: { apiGroup, kind: 'Role', name }, subjects: [group] }],
  ] as const
  return wanted.map(([path, object]) => ({ path, body: { apiVersion: `${apiGroup}/v1`, metadata, ...object } }))
}

async function letJoinersRead(kube: KubeApi, signal: AbortSignal): Promise<void> {
  for (const { path, body } of certificatesRights()) {
    if ((await kube.get(path, signal)) !== undefined) continue
    await kube.create(path.slice(0, path.lastIndexOf('/')), body, signal)
  }
}
