import { isMap, isScalar, parseAllDocuments } from 'yaml'

/**
 * How much is said of a text that cannot be read. `first`: it is needed, and without it nothing is known of the cluster; `needed`; `of a user`: left as
 * it is; `helpful`: its program, or Quorate, makes do without it.
 */
type Need = 'first' | 'needed' | 'of a user' | 'helpful'

export interface FilePlace {
  /** `cp1`, `w1`. */
  readonly node: string
  readonly path: string
  readonly need: Need
}

/** A key of a ConfigMap. */
export interface ObjectPlace {
  readonly namespace: string
  readonly name: string
  readonly key: string
  readonly need: Need
}

const first = [
  '/etc/kubernetes/admin.conf',
  '/etc/kubernetes/manifests/kube-apiserver.yaml',
  '/etc/kubernetes/manifests/etcd.yaml',
  '/etc/kubernetes/manifests/kube-controller-manager.yaml',
  '/etc/kubernetes/manifests/kube-scheduler.yaml',
]
const needed = ['/etc/kubernetes/controller-manager.conf', '/etc/kubernetes/scheduler.conf']
const neededOfMember = ['/var/lib/kubelet/config.yaml', '/etc/kubernetes/kubelet.conf']
const ofUser = ['/root/.kube/config', '/home/alice/.kube/config']

const ofFirst = [
  '/etc/kubernetes/super-admin.conf',
  '/etc/kubernetes/manifests/other.yaml',
  '/etc/kubernetes/pki/ca.crt',
  '/etc/kubernetes/pki/ca.key',
  '/etc/kubernetes/pki/sa.pub',
  '/etc/kubernetes/pki/apiserver.crt',
  '/etc/kubernetes/pki/apiserver.key',
  '/etc/kubernetes/pki/etcd/ca.crt',
  '/etc/kubernetes/pki/etcd/server.crt',
  '/etc/kubernetes/pki/front-proxy-ca.crt',
  '/etc/kubernetes/patches/kube-apiserver0+merge.yaml',
  '/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem',
]
const ofMember = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/hosts']
const ofAny = [
  '/etc/haproxy/haproxy.cfg',
  '/etc/haproxy/conf.d/own.cfg',
  '/etc/keepalived/keepalived.conf',
  '/etc/default/haproxy',
  '/etc/default/kubelet',
  '/etc/sysconfig/kubelet',
  '/etc/systemd/system/kubelet.service.d/20-own.conf',
  '/etc/systemd/system.conf.d/proxy.conf',
  '/etc/containerd/config.toml',
  '/etc/crio/crio.conf.d/10-own.conf',
  '/etc/crictl.yaml',
  '/etc/environment',
  '/etc/os-release',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/machine-id',
  '/etc/cloud/cloud.cfg',
  '/etc/cloud/cloud.cfg.d/99-own.cfg',
  '/etc/cloud/templates/hosts.debian.tmpl',
  '/etc/selinux/config',
  '/etc/apt/preferences.d/own',
  '/etc/apt/apt.conf.d/50unattended-upgrades',
  '/var/lib/dpkg/status',
  '/proc/cpuinfo',
  '/proc/meminfo',
  '/proc/swaps',
  '/proc/net/route',
  '/proc/net/unix',
  '/proc/sys/net/ipv4/ip_forward',
  '/sys/kernel/security/apparmor/profiles',
  '/sys/class/dmi/id/product_uuid',
  '/etc/apparmor.d/usr.sbin.haproxy',
]

const on = (node: string, paths: readonly string[], need: Need = 'helpful'): readonly FilePlace[] =>
  paths.map((path) => ({ node, path, need }))

/** Texts of nodes that a plan reads. Those that the simulated node does not have are made. */
export const filePlaces: readonly FilePlace[] = [
  ...on('cp1', first, 'first'),
  // Where its static pods lie.
  ...on('cp1', ['/var/lib/kubelet/config.yaml'], 'first'),
  ...on('cp1', [...needed, '/etc/kubernetes/kubelet.conf'], 'needed'),
  ...on('w1', neededOfMember, 'needed'),
  ...on('cp1', ofUser, 'of a user'),
  ...on('cp1', [...ofFirst, ...ofMember, ...ofAny]),
  ...on('cp2', ofAny),
  ...on('w1', [...ofMember, '/etc/kubernetes/pki/ca.crt']),
]

/** ConfigMaps that a plan reads, with the key. */
export const objectPlaces: readonly ObjectPlace[] = [
  { namespace: 'kube-system', name: 'kubeadm-config', key: 'ClusterConfiguration', need: 'needed' },
  { namespace: 'kube-system', name: 'kubeadm-config', key: 'ClusterStatus', need: 'helpful' },
  { namespace: 'kube-system', name: 'kubelet-config', key: 'kubelet', need: 'needed' },
  { namespace: 'kube-system', name: 'kube-proxy', key: 'config.conf', need: 'needed' },
  { namespace: 'kube-system', name: 'kube-proxy', key: 'kubeconfig.conf', need: 'needed' },
  { namespace: 'kube-public', name: 'cluster-info', key: 'kubeconfig', need: 'needed' },
]

/** What anybody makes of it who expects one map: asked of the parser alone, not of the product. */
export function readAs(text: string): 'a map' | 'nothing' | 'unreadable' {
  try {
    const [first, ...more] = [parseAllDocuments(text, { logLevel: 'error' })].flat()
    const isEmpty = ({ contents }: { readonly contents: unknown }) =>
      contents === null || (isScalar(contents) && contents.value === null)
    if (first === undefined) return 'nothing'
    if (first.errors.length > 0) return 'unreadable'
    if (isEmpty(first)) return more.every(isEmpty) ? 'nothing' : 'unreadable'
    return isMap(first.contents) ? 'a map' : 'unreadable'
  } catch {
    return 'unreadable'
  }
}
