import { createCipheriv, randomBytes } from 'node:crypto'
import { issue, newKey } from './certificates.js'
import { httpsUrl } from './host-port.js'
import type { KubeClient } from './kube-client.js'
import { adminClient, type ClusterConfiguration, type InitConfiguration, pkiOf, readConfig } from './kubeadm-config.js'
import { leafOf, printNames } from './kubeadm-leaves.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'

function configured(
  run: Kubeadm,
  path: string,
  phase: string,
): { init: InitConfiguration; cluster: ClusterConfiguration } {
  const { InitConfiguration: init = {}, ClusterConfiguration: cluster } = readConfig(run, path)
  if (cluster === undefined) throw new PhaseError(phase, 'no ClusterConfiguration in the configuration file')
  return { init, cluster }
}

/**
 * `kubeadm init phase certs apiserver` and the like: issues a missing certificate. An existing one stays, whatever its names are (seen on real
 * 1.30.4 and 1.37.2). Without an InitConfiguration the names are defaults, here the node's own.
 */
export const initPhaseCerts =
  (which: 'apiserver' | 'etcd-server' | 'etcd-peer') =>
  async (run: Kubeadm, config: string): Promise<void> => {
    const phase = `certs/${which}`
    const { init, cluster } = configured(run, config, phase)
    const { node } = run.machine
    const folder = pkiOf(cluster)
    const owner = {
      cluster,
      nodeName: init.nodeRegistration?.name ?? node.hostname,
      address: init.localAPIEndpoint?.advertiseAddress ?? node.defaultAddress,
    }
    const { file, signer: ca, wish } = leafOf(run.site.release, owner, which.replace('etcd-', 'etcd/'))
    const [caCert, caKey] = [node.read(`${folder}/${ca}.crt`), node.read(`${folder}/${ca}.key`)]
    if (caCert === undefined || caKey === undefined) {
      throw new PhaseError(
        phase,
        `failure loading ${ca} certificate authority: failed to load certificate: couldn't load the certificate file ${folder}/${ca}.${caCert === undefined ? 'crt' : 'key'}: no such file or directory`,
      )
    }
    if (node.read(`${folder}/${file}.crt`) !== undefined || node.exists(`${folder}/${file}.key`)) {
      // Whatever names it has: kubeadm 1.30 and 1.37 both keep an existing certificate and exit with 0.
      return run.print(`[certs] Using existing ${file} certificate and key on disk`)
    }
    run.print(`[certs] Generating "${file}" certificate and key`)
    const made = issue(wish, await newKey(), { cert: caCert, key: caKey })
    node.write(`${folder}/${file}.key`, made.key, 0o600)
    node.write(`${folder}/${file}.crt`, made.cert, 0o644)
    printNames(run, file, wish)
  }

/** What copycerts uploads: paths by their key in the Secret (copycerts.go, certsToTransfer). */
export function sharedCertificates(cluster: ClusterConfiguration) {
  const folder = pkiOf(cluster)
  const common = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.key', 'sa.pub']
  const paths = Object.fromEntries(common.map((file) => [file, `${folder}/${file}`]))
  const external = cluster.etcd?.external
  const ofEtcd: Record<string, string> =
    external === undefined
      ? { 'etcd-ca.crt': `${folder}/etcd/ca.crt`, 'etcd-ca.key': `${folder}/etcd/ca.key` }
      : {
          'external-etcd-ca.crt': external.caFile,
          'external-etcd.crt': external.certFile,
          'external-etcd.key': external.keyFile,
        }
  return { ...paths, ...ofEtcd }
}

/** kubeadm init phase upload-certs: AES-GCM, nonce first, into Secret kubeadm-certs, owned by a token that lives two hours. */
export async function initPhaseUploadCerts(run: Kubeadm, config: string): Promise<void> {
  const { init, cluster } = configured(run, config, 'upload-certs')
  const { node } = run.machine
  const folder = pkiOf(cluster)
  if (['ca', 'front-proxy-ca'].some((ca) => !node.exists(`${folder}/${ca}.key`)))
    throw new PhaseError('upload-certs', "can't use upload-certs with an external CA or an external front-proxy CA")
  const endpoint = init.localAPIEndpoint
  const client = adminClient(
    run,
    httpsUrl(endpoint?.advertiseAddress ?? node.defaultAddress, endpoint?.bindPort ?? 6443),
  )
  try {
    run.print('[upload-certs] Storing the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace')
    const key = init.certificateKey ?? randomBytes(32).toString('hex')
    run.site.certificateKeys.add(key)
    const owner = await createOwnerToken(client)
    const data = Object.fromEntries(
      Object.entries(sharedCertificates(cluster)).map(([name, file]) => {
        const plain = node.read(file)
        return [name, plain === undefined ? '' : encrypt(plain, key).toString('base64')]
      }),
    )
    const secret = {
      metadata: { name: 'kubeadm-certs', namespace: 'kube-system', ownerReferences: [owner] },
      type: 'Opaque',
      data,
    }
    await put(client, '/api/v1/namespaces/kube-system/secrets', 'kubeadm-certs', secret)
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system'
    await put(client, `${rbac}/roles`, 'kubeadm:kubeadm-certs', { metadata: { name: 'kubeadm:kubeadm-certs' } })
    await put(client, `${rbac}/rolebindings`, 'kubeadm:kubeadm-certs', { metadata: { name: 'kubeadm:kubeadm-certs' } })
    run.print('[upload-certs] Using certificate key:')
    run.print(key)
  } catch (error) {
    throw new PhaseError(
      'upload-certs',
      `error uploading certs: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    client.close()
  }
}

async function createOwnerToken(client: KubeClient): Promise<unknown> {
  const characters = 'abcdefghijklmnopqrstuvwxyz0123456789'
  const random = (length: number): string => [...randomBytes(length)].map((byte) => characters[byte % 36]).join('')
  const [id, secret] = [random(6), random(16)]
  const name = `bootstrap-token-${id}`
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const { status, body } = await client.request('POST', '/api/v1/namespaces/kube-system/secrets', {
    metadata: { name },
    type: 'bootstrap.kubernetes.io/token',
    data: {
      description: base64('Proxy for managing TTL for the kubeadm-certs secret'),
      expiration: base64(new Date(Date.now() + 2 * 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')),
      'token-id': base64(id),
      'token-secret': base64(secret),
    },
  })
  if (status !== 201) throw new Error((body as { message?: string }).message ?? `the server answered ${status}`)
  const { metadata } = body as { metadata: { uid: string } }
  return { apiVersion: 'v1', kind: 'Secret', name, uid: metadata.uid, blockOwnerDeletion: true, controller: true }
}

async function put(client: KubeClient, path: string, name: string, object: unknown): Promise<void> {
  const made = await client.request('POST', path, object)
  if (made.status === 201) return
  const replaced =
    made.status === 409 ? await client.request('PUT', `${path}/${encodeURIComponent(name)}`, object) : made
  if (replaced.status !== 200)
    throw new Error((replaced.body as { message?: string }).message ?? `the server answered ${replaced.status}`)
}

function encrypt(plain: string, key: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'hex'), nonce)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}
