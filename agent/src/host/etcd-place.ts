import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import { isLoopback } from '@quorate/shared/etcd-listen'
import { readStaticPod, type StaticPodView } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from './host.js'
import { readFolders } from './node-folders.js'

/** How one endpoint of etcd is dialled. */
export interface EtcdDial {
  readonly identity: ChannelCredentials
  readonly options: ChannelOptions
}

/** The etcd of a control plane, from the manifests on its disk, never from a request. */
export interface EtcdPlace {
  /** `https://192.168.13.30:2379`; each of them answers for the whole cluster. */
  readonly endpoints: readonly string[]
  /** The member belongs to this control plane: members come and go with control planes. */
  readonly stacked: boolean
  dial(url: string): EtcdDial
  /** Common name of the client certificate; empty if none is used. */
  readonly clientName: string
}

/** From etcd's own manifest if there is one, else from the flags of the API server. NOT_A_CONTROL_PLANE without either. */
export async function readEtcdPlace(host: Host): Promise<EtcdPlace> {
  const { manifests } = await readFolders(host)
  const [etcdManifest, apiServerManifest] = ['etcd', 'kube-apiserver'].map((name) => `${manifests}/${name}.yaml`) as [
    string,
    string,
  ]
  const own = await readPod(host, etcdManifest)
  if (own !== undefined) return stackedPlace(host, own, etcdManifest)
  const apiServer = await readPod(host, apiServerManifest)
  if (apiServer === undefined || meansOwnEtcd(apiServer))
    throw new QuorateError('NOT_A_CONTROL_PLANE', 'there is no etcd on this node', { where: etcdManifest })
  return externalPlace(host, apiServer, apiServerManifest)
}

const serversOf = ({ flags }: StaticPodView): readonly string[] => (flags['etcd-servers'] ?? '').split(',')

/** kubeadm points the API server of a stacked etcd at its loopback address (app/phases/controlplane/manifests.go). */
const meansOwnEtcd = (apiServer: StaticPodView): boolean => serversOf(apiServer).every(isLoopback)

/** Whether this control plane has, or is about to get, its own etcd: a join writes etcd's manifest after that of the API server. */
export async function needsOwnEtcd(host: Host): Promise<boolean> {
  const apiServer = await readPod(host, `${(await readFolders(host)).manifests}/kube-apiserver.yaml`)
  return apiServer === undefined || meansOwnEtcd(apiServer)
}

async function readPod(host: Host, path: string): Promise<StaticPodView | undefined> {
  const file = await host.read(path)
  return file === undefined ? undefined : readStaticPod(file.bytes.toString('utf8'), filePlace(path))
}

/** Stands for every address and cannot be dialled. */
const wildcard = /^https?:\/\/(0\.0\.0\.0|\[::\])(:|\/|$)/

/**
 * Dialled at its listen address, a non-loopback one if there is one, with pki/etcd/healthcheck-client. The advertised address proves nothing: an etcd that
 * listens only on localhost may still advertise the address of its node.
 */
async function stackedPlace(host: Host, { flags }: StaticPodView, where: string): Promise<EtcdPlace> {
  const [listens, advertises] = ['listen-client-urls', 'advertise-client-urls'].map(
    (flag) => flags[flag]?.split(',') ?? [],
  )
  const dialled = listens?.filter((one) => !wildcard.test(one)) ?? []
  const url = dialled.find((one) => !isLoopback(one)) ?? dialled[0] ?? advertises?.[0]
  const ca = flags['trusted-ca-file']
  if (url === undefined || ca === undefined) {
    throw new QuorateError('ETCD_REFUSED', 'the etcd manifest names no client URL or no trusted-ca-file', { where })
  }
  const folder = dirname(ca)
  const files = {
    ca: `${folder}/ca.crt`,
    cert: `${folder}/healthcheck-client.crt`,
    key: `${folder}/healthcheck-client.key`,
  }
  const identity = await readIdentity(host, files)
  // etcd's server certificate always contains localhost (kubeadm, GetEtcdAltNames); a bare IP as TLS server name makes Node warn.
  const options = { 'grpc.ssl_target_name_override': 'localhost' }
  return {
    ...{ endpoints: [url], stacked: true, clientName: identity.commonName },
    dial: () => ({ identity: identity.credentials(), options }),
  }
}

/** Dialled as the API server does: at its endpoints, with its client certificate. */
async function externalPlace(host: Host, apiServer: StaticPodView, where: string): Promise<EtcdPlace> {
  const { flags } = apiServer
  const endpoints = serversOf(apiServer).filter((url) => URL.canParse(url))
  if (endpoints.length === 0)
    throw new QuorateError('ETCD_REFUSED', 'the API server has no etcd endpoint: --etcd-servers', { where })
  // kubeadm passes what kubeadm-config has: a client certificate or none, and with http nothing at all (ValidateEtcd).
  const identity = await readIdentity(host, {
    ca: flags['etcd-cafile'],
    cert: flags['etcd-certfile'],
    key: flags['etcd-keyfile'],
  })
  return { endpoints, stacked: false, dial: (url) => dialByName(url, identity), clientName: identity.commonName }
}

/** Verified for the host of its URL. */
function dialByName(url: string, identity: Identity): EtcdDial {
  const { hostname, protocol } = new URL(url)
  if (protocol === 'http:') return { identity: credentials.createInsecure(), options: {} }
  const name = hostname.replace(/^\[|\]$/g, '')
  if (isIP(name) === 0) return { identity: identity.credentials(), options: {} }
  // A bare IP as TLS server name makes Node warn (RFC 6066): it is verified, not sent.
  return {
    identity: identity.credentials((_, certificate) => checkServerIdentity(name, certificate)),
    options: { 'grpc.ssl_target_name_override': 'localhost' },
  }
}

interface Identity {
  readonly commonName: string
  credentials(check?: typeof checkServerIdentity): ChannelCredentials
}

async function readIdentity(
  host: Host,
  files: Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>,
): Promise<Identity> {
  const [ca, key, cert] = await Promise.all(
    [files.ca, files.key, files.cert].map(async (path) => {
      if (path === undefined) return null
      const file = await host.read(path, { followLinks: true })
      if (file === undefined)
        throw new QuorateError('ETCD_REFUSED', `${path} is missing: no client certificate for etcd`, { where: path })
      return file.bytes
    }),
  )
  const { createSsl } = credentials
  return {
    commonName: commonNameOf(cert),
    credentials: (check) => createSsl(ca, key, cert, check === undefined ? {} : { checkServerIdentity: check }),
  }
}

function commonNameOf(pem: Buffer | null | undefined): string {
  try {
    return pem === null || pem === undefined
      ? ''
      : (/^CN=(.{1,200})$/m.exec(new X509Certificate(pem).subject)?.[1] ?? '')
  } catch {
    return ''
  }
}
