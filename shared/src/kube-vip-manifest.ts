import { isIP, isIPv4 } from 'node:net'
import { stringify } from 'yaml'
import { QuorateError } from './errors.js'
import { quorateHeader } from './load-balancer-config.js'
import { bracketed } from './names.js'

/** Name of the pod, its container and the user of its kubeconfig's certificate. */
export const kubeVipName = 'kube-vip'
export const kubeVipUser = 'quorate:kube-vip'
/** Of kube-system; kube-vip's own name for it. Services would have another, which two instances must not share (kube-vip#665). */
export const kubeVipLease = 'plndr-cp-lock'
export const kubeVipConfPath = '/etc/kubernetes/kube-vip.conf'
export const kubeVipManifestPath = '/etc/kubernetes/manifests/kube-vip.yaml'

export interface BgpPeer {
  readonly address: string
  /** Number of its autonomous system. */
  readonly as: number
}

export interface KubeVipInput {
  readonly virtualIp: string
  readonly image: string
  /** This node's own API server, which kube-vip asks for its lease and to which the virtual IP leads. */
  readonly apiServer: { readonly address: string; readonly port: number }
  /** Interface that has the node's address: where ARP announces the virtual IP. */
  readonly interfaceName: string
  /** Announced to these routers instead, from the loopback interface. */
  readonly bgp?: { readonly as: number; readonly routerId: string; readonly peers: readonly BgpPeer[] }
}

function wanted(holds: boolean, what: string, value: unknown): void {
  if (!holds) throw new QuorateError('INVALID_REQUEST', `kube-vip: not ${what}: ${JSON.stringify(value)}`)
}

const isAsNumber = (as: number): boolean => Number.isInteger(as) && as >= 1 && as <= 4_294_967_295

function check({ virtualIp, image, apiServer, interfaceName, bgp }: KubeVipInput): void {
  wanted(isIP(virtualIp) !== 0, 'an IP address', virtualIp)
  wanted(isIP(apiServer.address) !== 0, 'an IP address', apiServer.address)
  wanted(Number.isInteger(apiServer.port) && apiServer.port >= 1 && apiServer.port <= 65535, 'a port', apiServer.port)
  wanted(/^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,14}$/.test(interfaceName), 'an interface name', interfaceName)
  wanted(/^[a-z0-9][A-Za-z0-9._/:@-]{0,254}$/.test(image), 'an image', image)
  if (bgp === undefined) return
  wanted(isIPv4(bgp.routerId), 'an IPv4 address as a router id', bgp.routerId)
  wanted(isAsNumber(bgp.as), 'the number of an autonomous system', bgp.as)
  wanted(bgp.peers.length > 0, 'a list of BGP peers', bgp.peers)
  for (const { address, as } of bgp.peers) {
    wanted(isIP(address) !== 0, 'an IP address', address)
    wanted(isAsNumber(as), 'the number of an autonomous system', as)
  }
}

/** `address:as:password:multihop`, as kube-vip's ParseBGPPeerConfig splits it. */
const peerText = ({ address, as }: BgpPeer): string => `${bracketed(address)}:${as}::false`

/**
 * kube-vip's settings, by the names of its environment. Leader election also with BGP: a node that loses its own API server loses the lease and with it
 * the address, and there is no other look at its health. A lease of five seconds is kube-vip's own choice for a control plane.
 */
function settings({ virtualIp, apiServer, interfaceName, bgp }: KubeVipInput): Readonly<Record<string, string>> {
  return {
    address: virtualIp,
    port: String(apiServer.port),
    vip_interface: bgp === undefined ? interfaceName : 'lo',
    vip_subnet: isIPv4(virtualIp) ? '32' : '128',
    vip_arp: String(bgp === undefined),
    cp_enable: 'true',
    cp_namespace: 'kube-system',
    svc_enable: 'false',
    kubernetes_addr: `${bracketed(apiServer.address)}:${apiServer.port}`,
    vip_leaderelection: 'true',
    vip_leasename: kubeVipLease,
    vip_leaseduration: '5',
    vip_renewdeadline: '3',
    vip_retryperiod: '1',
    ...(bgp === undefined
      ? {}
      : {
          bgp_enable: 'true',
          bgp_routerid: bgp.routerId,
          bgp_as: String(bgp.as),
          bgp_peers: bgp.peers.map(peerText).join(','),
        }),
  }
}

/**
 * The static pod. Its credentials are a kubeconfig of its own, mounted where every release of kube-vip looks for one. That it asks the API server
 * beside it is said three times, because releases differ in what they heed: by the kubeconfig (1.0 and later), by `kubernetes_addr`, and by the name
 * `kubernetes`, which older ones ask for (0.8; kube-vip#692). No port for metrics, no capability but the two that it needs.
 */
export function renderKubeVip(input: KubeVipInput): string {
  check(input)
  const { apiServer, image } = input
  const env = Object.entries(settings(input)).map(([name, value]) => ({ name, value }))
  const nodeName = { name: 'vip_nodename', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }
  const container = {
    name: kubeVipName,
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['manager', '--prometheusHTTPServer', ''],
    env: [...env, nodeName],
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
    },
    volumeMounts: [{ name: 'kubeconfig', mountPath: '/etc/kubernetes/admin.conf', readOnly: true }],
  }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: kubeVipName,
      namespace: 'kube-system',
      labels: { component: kubeVipName, tier: 'control-plane' },
    },
    spec: {
      containers: [container],
      hostNetwork: true,
      hostAliases: [{ ip: apiServer.address, hostnames: ['kubernetes'] }],
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [{ name: 'kubeconfig', hostPath: { path: kubeVipConfPath, type: 'File' } }],
    },
  }
  return `${quorateHeader}\n${stringify(pod, { lineWidth: 0 })}`
}

/** The virtual IP in a manifest that Quorate wrote; '' if there is none. */
export const virtualIpOf = (manifest: string): string =>
  /^[ \t]*- name: address\n[ \t]*value: "?([^\s"]+)"?$/m.exec(manifest)?.[1] ?? ''
