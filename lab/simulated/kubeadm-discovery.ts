import { createHmac, timingSafeEqual } from 'node:crypto'
import { parse } from 'yaml'
import { publicKeyPin } from './certificates.js'
import type { Credentials } from './kube-client.js'
import { credentialsOf } from './kube-client.js'
import { clientFor, durationMs, getObject, type JoinConfiguration } from './kubeadm-config.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'

const clusterInfoPath = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
/** Signatures appear at once here; the five minutes of a real kubeadm would only make tests slow. */
const longestWaitMs = 4000

/**
 * Token discovery (cmd/kubeadm/app/discovery/token): reads cluster-info without verification, verifies its signature with the token and the CA
 * with the pin, then reads it again with verification. Returns the kubeconfig in it, with ITS server, not the one that was asked.
 */
export async function discover(run: Kubeadm, join: JoinConfiguration): Promise<Credentials> {
  const { node } = run.machine
  const { apiServerEndpoint = '', token = '', caCertHashes = [] } = join.discovery?.bootstrapToken ?? {}
  const admin = node.read('/etc/kubernetes/admin.conf')
  if (admin !== undefined) {
    run.print('[preflight] found /etc/kubernetes/admin.conf. Use it for skipping discovery')
    return credentialsOf(node, admin)
  }
  const file = join.discovery?.file?.kubeConfigPath
  if (file !== undefined) return discoverByFile(run, join, file)
  const [id = '', secret = ''] = token.split('.')
  if (!/^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token))
    throw new PhaseError('preflight', `the bootstrap token "${id}" is invalid`)
  const server = `https://${apiServerEndpoint}`
  const insecure = clientFor(run, { server, ca: undefined })
  const patience = Math.min(longestWaitMs, durationMs(join.timeouts?.discovery ?? '5m0s'))
  try {
    const kubeconfig = await signedKubeconfig(() => getObject(insecure, clusterInfoPath), { id, secret, patience })
    const ca = embeddedCa(kubeconfig)
    if (caCertHashes.length > 0 && !caCertHashes.includes(publicKeyPin(ca))) {
      throw new Error(
        `cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "${publicKeyPin(ca)}" are pinned`,
      )
    }
    const secure = clientFor(run, { server, ca })
    await getObject(secure, clusterInfoPath).finally(() => secure.close())
    return { ...credentialsOf(node, kubeconfig), token: join.discovery?.tlsBootstrapToken ?? token }
  } catch (error) {
    throw new PhaseError(
      'preflight',
      `couldn't validate the identity of the API Server: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    insecure.close()
  }
}

/**
 * File discovery (cmd/kubeadm/app/discovery/file): reads cluster-info with the credentials of the file, or anonymously if it has none. If the
 * server refuses, server and CA are those of the file.
 */
async function discoverByFile(run: Kubeadm, join: JoinConfiguration, path: string): Promise<Credentials> {
  const { node } = run.machine
  const text = node.read(path)
  if (text === undefined)
    throw new PhaseError(
      'preflight',
      `couldn't validate the identity of the API Server: open ${path}: no such file or directory`,
    )
  const given = credentialsOf(node, text)
  const client = clientFor(run, given)
  try {
    const { status, body } = await client.request('GET', clusterInfoPath)
    if (status !== 200 && status !== 403) throw new Error((body as { message?: string }).message ?? String(status))
    const { data } = body as { data?: Record<string, string> }
    const fresh = status === 200 ? credentialsOf(node, data?.['kubeconfig'] ?? '') : given
    const token = join.discovery?.tlsBootstrapToken ?? given.token
    if (token === undefined && given.cert === undefined)
      throw new Error("couldn't find authentication credentials for the TLS bootstrap process")
    return { ...given, server: fresh.server, ca: fresh.ca, ...(token === undefined ? {} : { token }) }
  } catch (error) {
    throw new PhaseError(
      'preflight',
      `couldn't validate the identity of the API Server: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    client.close()
  }
}

async function signedKubeconfig(
  read: () => Promise<{ data?: Record<string, string> }>,
  { id, secret, patience }: { id: string; secret: string; patience: number },
): Promise<string> {
  const deadline = Date.now() + patience
  for (;;) {
    const { data = {} } = await read()
    const [kubeconfig, signature] = [data['kubeconfig'] ?? '', data[`jws-kubeconfig-${id}`]]
    if (signature !== undefined) {
      if (!verifies(kubeconfig, signature, secret))
        throw new Error("failed to verify JWS signature of received cluster info object, can't trust this API Server")
      return kubeconfig
    }
    if (Date.now() > deadline)
      throw new Error(`could not find a JWS signature in the cluster-info ConfigMap for token ID "${id}"`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function verifies(kubeconfig: string, jws: string, secret: string): boolean {
  const [header = '', , signature = ''] = jws.split('.')
  const wanted = createHmac('sha256', secret)
    .update(`${header}.${Buffer.from(kubeconfig).toString('base64url')}`)
    .digest()
  const found = Buffer.from(signature, 'base64url')
  return found.length === wanted.length && timingSafeEqual(found, wanted)
}

function embeddedCa(kubeconfig: string): string {
  const parsed = parse(kubeconfig) as { clusters: { cluster: Record<string, string> }[] }
  return Buffer.from(parsed.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString()
}
