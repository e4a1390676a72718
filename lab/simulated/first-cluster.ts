import { randomBytes } from 'node:crypto'
import { firstServiceAddresses } from '@quorate/shared/service-addresses'
import { parse } from 'yaml'
import { type CertificateWish, type Identity, issue, keyPem, publicKeyPem } from './certificates.js'
import {
  type ClusterFacts,
  clusterConfiguration,
  clusterInfoKubeconfig,
  kubeletConfiguration,
  kubeProxyConfiguration,
  kubeProxyKubeconfig,
} from './cluster-objects.js'
import { httpsUrl } from './host-port.js'
import { patchesFolder, usualCertificatesDir, withPatches } from './init-wish.js'
import type { ClusterConfiguration } from './kubeadm-config.js'
import { writeKubeletFlags, writeManifest, writeManifests } from './kubeadm-join.js'
import { makeCertificates, writeKubeconfigs } from './kubeadm-leaves.js'
import type { Kubeadm } from './kubeadm-run.js'
import { bootstrappedKubeletKubeconfig, embeddedKubeconfig, firstKubeletKubeconfig } from './kubeconfigs.js'
import { installClientCertificate } from './kubelet.js'
import { installNetworkPlugin } from './network-plugins.js'
import type { SimulatedNode } from './node.js'
import { machineOf, type Site } from './site.js'
import { type KubeObject, keyOf } from './store.js'
import type { WorldOptions } from './world-options.js'

/** How `kubeadm init` was run. */
type FirstClusterWish = Pick<WorldOptions, 'controlPlaneEndpoint' | 'kubeProxy' | 'networkPlugin' | 'init'>

/** Makes the result of `kubeadm init` and `kubeadm join` of the workers: files and objects. Starts nothing. */
export function makeFirstCluster(
  site: Site,
  [first, ...workers]: readonly [SimulatedNode, ...SimulatedNode[]],
  wish: FirstClusterWish,
): void {
  const { init = {} } = wish
  const { bindPort = 6443, files = {}, certificatesDir: pki = usualCertificatesDir } = init
  for (const [path, { text, mode }] of Object.entries(files)) first.write(path, text, mode)
  const [key, caKey, etcdKey, proxyKey, saKey] = site.keys
  if (
    key === undefined ||
    caKey === undefined ||
    etcdKey === undefined ||
    proxyKey === undefined ||
    saKey === undefined
  )
    throw new Error('five keys are needed')
  const authority = (commonName: string, path: string, its: typeof key): Identity => {
    const made = issue({ commonName, usage: 'ca' }, its)
    first.write(`${pki}/${path}.key`, made.key, 0o600)
    first.write(`${pki}/${path}.crt`, made.cert, 0o644)
    return made
  }
  const ca = authority('kubernetes', 'ca', caKey)
  if (site.externalEtcd === undefined) authority('etcd-ca', 'etcd/ca', etcdKey)
  authority('front-proxy-ca', 'front-proxy-ca', proxyKey)
  first.write(`${pki}/sa.key`, keyPem(saKey), 0o600)
  first.write(`${pki}/sa.pub`, publicKeyPem(saKey), 0o600)
  const { controlPlaneEndpoint } = wish
  const local = httpsUrl(first.address, bindPort)
  const server = controlPlaneEndpoint === undefined ? local : `https://${controlPlaneEndpoint}`
  const endpoint = controlPlaneEndpoint === undefined ? {} : { controlPlaneEndpoint }
  const { release, externalEtcd } = site
  const etcd = externalEtcd === undefined ? {} : { externalEtcd }
  const facts = { release, caPem: ca.cert, server, init, ...endpoint, ...etcd }
  const cluster = parse(clusterConfiguration(facts)) as ClusterConfiguration
  const quiet: Kubeadm = { site, machine: machineOf(site, first.name), print: () => {}, complain: () => {} }
  const patches = withPatches(init) ? patchesFolder : undefined
  const context = { cluster, nodeName: first.name, address: first.address, bindPort, patches }
  makeCertificates(quiet, context)
  writeKubeconfigs(quiet, context)
  writeManifests(quiet, context)
  if (externalEtcd === undefined)
    writeManifest(quiet, 'etcd', context, [`${first.name}=${httpsUrl(first.address, 2380)}`])
  const client = (wish: Omit<CertificateWish, 'usage'>): Identity => issue({ ...wish, usage: 'client' }, key, ca)
  if (site.release.superAdmin) {
    const superAdmin = client({ commonName: 'kubernetes-super-admin', organizations: ['system:masters'] })
    first.write(
      '/etc/kubernetes/super-admin.conf',
      embeddedKubeconfig(server, ca.cert, 'kubernetes-super-admin', superAdmin),
      0o600,
    )
  }
  first.write('/root/.kube/config', first.must('/etc/kubernetes/admin.conf'), 0o600)
  for (const node of [first, ...workers]) {
    node.write(`${pki}/ca.crt`, ca.cert, 0o644)
    node.write('/var/lib/kubelet/config.yaml', kubeletConfiguration({ ...site, init }), 0o644)
    const isPlain = node.address === node.defaultAddress && node.otherFamily.length === 0
    const nodeIp = isPlain ? [] : [['node-ip', [node.address, ...node.otherFamily].join(',')] as const]
    writeKubeletFlags(node, node.name, new Map(nodeIp))
    const identity = client({ commonName: `system:node:${node.name}`, organizations: ['system:nodes'] })
    installClientCertificate(node, identity.cert + identity.key)
    const text =
      node === first
        ? firstKubeletKubeconfig(site.release.localMode ? local : server, ca.cert, node.name)
        : bootstrappedKubeletKubeconfig(server, ca.cert)
    node.write('/etc/kubernetes/kubelet.conf', text, 0o600)
  }
  const { certSANs: _, ...stored } = init
  // `facts` after `wish`: the caller may pass all its options as the wish.
  makeObjects(site, { ...wish, ...facts, init: init.certSansForgotten ? stored : init }, [first, ...workers])
  if (wish.networkPlugin !== undefined) installNetworkPlugin(site, wish.networkPlugin, [first, ...workers])
}

function makeObjects(site: Site, facts: ClusterFacts & FirstClusterWish, nodes: readonly SimulatedNode[]): void {
  const { store, release } = site
  const make = (
    plural: string,
    namespace: string,
    name: string,
    rest: Omit<KubeObject, 'metadata'> & { labels?: Record<string, string> } = {},
  ): void => {
    const { labels, ...object } = rest
    store.create(keyOf(plural, namespace, name), {
      ...object,
      metadata: { name, ...(labels === undefined ? {} : { labels }) },
    })
  }
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) make('namespaces', '', name)
  const config = (namespace: string, name: string, data: Record<string, string>): void =>
    make('configmaps', namespace, name, { data })
  config('kube-system', 'kubeadm-config', { ClusterConfiguration: clusterConfiguration(facts) })
  config('kube-system', 'kubelet-config', { kubelet: kubeletConfiguration(facts) })
  config('kube-public', 'cluster-info', { kubeconfig: clusterInfoKubeconfig(facts) })
  config('kube-system', 'kube-root-ca.crt', { 'ca.crt': facts.caPem })
  config('kube-system', 'coredns', {
    Corefile: '.:53 {\n    errors\n    health\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n}\n',
  })
  // kubeadm's own (cmd/kubeadm/app/phases/addons): kube-proxy tolerates all, CoreDNS a control plane.
  const scheduling = (app: string) => ({
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations:
      app === 'kube-dns'
        ? [
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { effect: 'NoSchedule', key: 'node-role.kubernetes.io/control-plane' },
          ]
        : [{ operator: 'Exists' }],
    ...(app === 'kube-proxy' ? { hostNetwork: true } : {}),
  })
  const template = (app: string, image: string) => ({
    metadata: { labels: { 'k8s-app': app } },
    spec: { containers: [{ name: app === 'kube-dns' ? 'coredns' : app, image }], ...scheduling(app) },
  })
  const { kubeProxy: mode = 'iptables' } = facts
  const proxy = template('kube-proxy', `registry.k8s.io/kube-proxy:${release.version}`)
  if (mode !== 'absent') {
    make('configmaps', 'kube-system', 'kube-proxy', {
      labels: { app: 'kube-proxy' },
      data: {
        'config.conf': kubeProxyConfiguration(mode === 'disabled' ? 'iptables' : mode),
        'kubeconfig.conf': kubeProxyKubeconfig(facts.server),
      },
    })
    make('daemonsets', 'kube-system', 'kube-proxy', {
      labels: { 'k8s-app': 'kube-proxy' },
      spec: {
        selector: { matchLabels: { 'k8s-app': 'kube-proxy' } },
        template: mode === 'disabled' ? onNoNode(proxy) : proxy,
        updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 }, type: 'RollingUpdate' },
      },
    })
  }
  makeServices(make, facts.init ?? {})
  make('deployments', 'kube-system', 'coredns', {
    labels: { 'k8s-app': 'kube-dns' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      template: template('kube-dns', `registry.k8s.io/coredns/coredns:${release.coreDnsTag}`),
    },
  })
  for (const name of ['kubeadm:nodes-kubeadm-config', 'kubeadm:kubelet-config']) {
    for (const plural of ['roles', 'rolebindings']) make(plural, 'kube-system', name)
  }
  for (const plural of ['roles', 'rolebindings']) make(plural, 'kube-public', 'kubeadm:bootstrap-signer-clusterinfo')
  make('clusterroles', '', 'kubeadm:get-nodes')
  for (const name of ['get-nodes', 'kubelet-bootstrap', 'node-autoapprove-bootstrap'])
    make('clusterrolebindings', '', `kubeadm:${name}`)
  const control = 'node-role.kubernetes.io/control-plane'
  for (const [index, node] of nodes.entries()) {
    make('nodes', '', node.name, {
      labels: {
        'kubernetes.io/hostname': node.hostname,
        'kubernetes.io/os': 'linux',
        ...(index === 0 ? { [control]: '' } : {}),
      },
      spec: index === 0 ? { taints: [{ effect: 'NoSchedule', key: control }] } : {},
    })
  }
  makeInitToken(make)
}

type Make = (plural: string, namespace: string, name: string, rest: Omit<KubeObject, 'metadata'>) => void

/** kubeadm's defaults: the first and the tenth address of its services (controlplane.go, addons/dns). */
function makeServices(make: Make, { serviceSubnet = '10.96.0.0/12' }: { readonly serviceSubnet?: string }): void {
  const [first = ''] = firstServiceAddresses(serviceSubnet)
  const tenth = first.replace(/1$/, first.includes(':') ? 'a' : '10')
  make('services', 'default', 'kubernetes', {
    spec: {
      type: 'ClusterIP',
      clusterIP: first,
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  })
  make('services', 'kube-system', 'kube-dns', {
    spec: {
      type: 'ClusterIP',
      clusterIP: tenth,
      selector: { 'k8s-app': 'kube-dns' },
      ports: [{ name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 }],
    },
  })
}

/** kubectl patch ds kube-proxy -p '{"spec":{"template":{"spec":{"nodeSelector":{"non-calico": "true"}}}}}' */
const onNoNode = <T extends { spec: object }>(template: T) => ({
  ...template,
  spec: { ...template.spec, nodeSelector: { 'non-calico': 'true' } },
})

/** The token that `kubeadm init` printed, good for a day. */
function makeInitToken(
  make: (plural: string, namespace: string, name: string, rest: Omit<KubeObject, 'metadata'>) => void,
): void {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')]
  make('secrets', 'kube-system', `bootstrap-token-${id}`, {
    type: 'bootstrap.kubernetes.io/token',
    data: {
      'auth-extra-groups': base64('system:bootstrappers:kubeadm:default-node-token'),
      expiration: base64(new Date(Date.now() + 24 * 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')),
      'token-id': base64(id),
      'token-secret': base64(secret),
      'usage-bootstrap-authentication': base64('true'),
      'usage-bootstrap-signing': base64('true'),
    },
  })
}
