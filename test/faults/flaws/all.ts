import { issueCertificate } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import type { FlawedCluster, Labelled } from './flawed-cluster.js'
import { allOut, changedConfigMap, changedFile, pause, stoppedUnit, type TakeOut } from './put-in.js'

/** What a proof says of one flaw: which proof, and the node that it names; none for the cluster. */
interface Found {
  readonly proof: string
  /** `spare`: see FlawedCluster. */
  readonly node?: Labelled | 'spare'
}

/** Something that makes a converted cluster less than highly available, although everything in it still works. */
export interface Flaw {
  readonly id: string
  /** All that `verify` must find, and nothing else. */
  readonly found: readonly Found[]
  put(cluster: FlawedCluster): Promise<TakeOut>
}

const firstOf = (cluster: FlawedCluster): string => `https://${cluster.node('cp1').address}:6443`
const named = (server: string) => (text: string) => text.replace(/server: https:\/\/\S+/, `server: ${server}`)
const kubelet = '/etc/kubernetes/kubelet.conf'
const manifest = (name: string): string => `/etc/kubernetes/manifests/${name}.yaml`

/** Another pair in place of a certificate and its key, signed by the cluster's CA. */
async function otherCertificate(
  cluster: FlawedCluster,
  { node, name, days }: { readonly node: Labelled; readonly name: string; readonly days: number },
  sans: (before: readonly string[]) => readonly string[],
): Promise<TakeOut> {
  const pki = '/etc/kubernetes/pki'
  const read = async (file: string): Promise<string> => (await cluster.readFile(node, `${pki}/${file}`)) ?? ''
  const ca = name.startsWith('front-proxy') ? 'front-proxy-ca' : 'ca'
  const before = readCertificate(await read(`${name}.crt`))
  const isAddress = (san: string): boolean => /^[\d.]+$|:/.test(san)
  const names = sans(before.sans)
  const { certPem, keyPem } = issueCertificate({
    ca: { certPem: await read(`${ca}.crt`), keyPem: await read(`${ca}.key`) },
    commonName: before.commonName,
    organizations: [],
    dnsNames: names.filter((san) => !isAddress(san)),
    ipAddresses: names.filter(isAddress),
    days,
    usage: name === 'apiserver' ? 'server' : 'client',
  })
  return allOut(
    await changedFile(cluster, { node, path: `${pki}/${name}.key` }, () => keyPem),
    await changedFile(cluster, { node, path: `${pki}/${name}.crt` }, () => certPem),
  )
}

/** Every flaw of the list is found by `verify`, and only it: on the simulated cluster and on real nodes. */
export const flaws: readonly Flaw[] = [
  {
    id: 'kubelet-names-first',
    found: [
      { proof: 'kubeconfigs', node: 'w1' },
      { proof: 'scan-for-old-address', node: 'w1' },
    ],
    async put(cluster) {
      const out = await changedFile(cluster, { node: 'w1', path: kubelet }, named(firstOf(cluster)))
      await cluster.systemctl('w1', 'restart', 'kubelet')
      return allOut(() => cluster.systemctl('w1', 'restart', 'kubelet'), out)
    },
  },
  {
    id: 'kubelet-not-restarted',
    found: [{ proof: 'kubelet-sockets', node: 'w1' }],
    async put(cluster) {
      const good = await changedFile(cluster, { node: 'w1', path: kubelet }, named(firstOf(cluster)))
      await cluster.systemctl('w1', 'restart', 'kubelet')
      // It reads the file once, some moments after its start.
      await pause(4_000)
      await good()
      return () => cluster.systemctl('w1', 'restart', 'kubelet')
    },
  },
  {
    id: 'admin-kubeconfig-names-first',
    found: [
      { proof: 'kubeconfigs', node: 'cp3' },
      { proof: 'scan-for-old-address', node: 'cp3' },
    ],
    put: (cluster) =>
      changedFile(cluster, { node: 'cp3', path: '/etc/kubernetes/admin.conf' }, named(firstOf(cluster))),
  },
  {
    id: 'network-kubeconfig-names-first',
    found: [{ proof: 'scan-for-old-address', node: 'w1' }],
    async put(cluster) {
      const admin = (await cluster.readFile('cp1', '/etc/kubernetes/admin.conf')) ?? ''
      const path = '/etc/cni/net.d/calico-kubeconfig'
      return changedFile(cluster, { node: 'w1', path }, () => named(firstOf(cluster))(admin))
    },
  },
  {
    id: 'stale-cluster-info',
    found: [{ proof: 'cluster-info' }, { proof: 'scan-for-old-address' }],
    put: (cluster) =>
      changedConfigMap(
        cluster,
        { namespace: 'kube-public', name: 'cluster-info', key: 'kubeconfig' },
        named(firstOf(cluster)),
      ),
  },
  {
    id: 'kube-proxy-names-first',
    found: [{ proof: 'kube-proxy' }, { proof: 'scan-for-old-address' }],
    put: (cluster) =>
      changedConfigMap(
        cluster,
        { namespace: 'kube-system', name: 'kube-proxy', key: 'kubeconfig.conf' },
        named(firstOf(cluster)),
      ),
  },
  {
    id: 'kubeadm-config-without-endpoint',
    found: [{ proof: 'kubeadm-config' }],
    put: (cluster) =>
      changedConfigMap(
        cluster,
        { namespace: 'kube-system', name: 'kubeadm-config', key: 'ClusterConfiguration' },
        (text) => text.replace(/^controlPlaneEndpoint:.*\n/m, ''),
      ),
  },
  {
    id: 'network-plugin-names-first',
    found: [{ proof: 'scan-for-old-address' }],
    async put(cluster) {
      const object = { plural: 'configmaps', namespace: 'kube-system', name: 'kubernetes-services-endpoint' } as const
      await cluster.patchObject(object, { data: { KUBERNETES_SERVICE_HOST: cluster.node('cp1').address } })
      return () => cluster.patchObject(object, undefined)
    },
  },
  {
    id: 'name-resolves-elsewhere',
    found: [
      { proof: 'endpoint-name', node: 'w1' },
      { proof: 'endpoint-answers', node: 'w1' },
    ],
    put: (cluster) =>
      changedFile(cluster, { node: 'w1', path: '/etc/hosts' }, (text) =>
        [
          `${cluster.node('w1').address} ${cluster.endpointHost}`,
          ...text.split('\n').filter((line) => !line.includes(cluster.endpointHost)),
        ].join('\n'),
      ),
  },
  {
    id: 'certificate-lacks-virtual-ip',
    found: [{ proof: 'certificate-names', node: 'cp2' }],
    put: (cluster) =>
      otherCertificate(cluster, { node: 'cp2', name: 'apiserver', days: 365 }, (sans) =>
        sans.filter((san) => san !== cluster.virtualIp),
      ),
  },
  {
    id: 'certificate-about-to-end',
    found: [{ proof: 'certificate-expiry', node: 'cp3' }],
    put: (cluster) => otherCertificate(cluster, { node: 'cp3', name: 'front-proxy-client', days: 3 }, (sans) => sans),
  },
  {
    id: 'backend-missing-in-one-haproxy',
    found: [{ proof: 'load-balancer', node: 'spare' }],
    async put(cluster) {
      const node = cluster.spare
      const out = await changedFile(cluster, { node, path: '/etc/quorate-haproxy/haproxy.cfg' }, (text) =>
        text.replace(new RegExp(`^ *server ${cluster.node('cp1').name} .*\\n`, 'm'), ''),
      )
      await cluster.systemctl(node, 'reload-or-restart', 'quorate-haproxy')
      return allOut(() => cluster.systemctl(node, 'reload-or-restart', 'quorate-haproxy'), out)
    },
  },
  {
    id: 'haproxy-stopped',
    // keepalived takes no address over on a machine whose haproxy does not run.
    found: [
      { proof: 'load-balancer', node: 'spare' },
      { proof: 'virtual-ip', node: 'spare' },
    ],
    put: (cluster) => stoppedUnit(cluster, cluster.spare, 'quorate-haproxy'),
  },
  {
    id: 'keepalived-stopped',
    found: [{ proof: 'virtual-ip', node: 'spare' }],
    put: (cluster) => stoppedUnit(cluster, cluster.spare, 'quorate-keepalived'),
  },
  {
    id: 'etcd-learner-left',
    found: [{ proof: 'etcd' }],
    async put(cluster) {
      await cluster.addEtcdLearner(`https://${cluster.node('w1').address}:2380`)
      return () => cluster.removeEtcdLearners()
    },
  },
  {
    id: 'etcd-listens-on-localhost-only',
    found: [
      { proof: 'etcd' },
      { proof: 'etcd-addresses', node: 'spare' },
      { proof: 'control-planes-alike', node: 'spare' },
    ],
    put: (cluster) =>
      changedFile(cluster, { node: cluster.spare, path: manifest('etcd') }, (text) =>
        text.replace(/(--listen-client-urls=https:\/\/127\.0\.0\.1:2379),\S+/, '$1'),
      ),
  },
  {
    id: 'scheduler-with-another-flag',
    found: [{ proof: 'control-planes-alike', node: 'spare' }],
    put: (cluster) =>
      changedFile(cluster, { node: cluster.spare, path: manifest('kube-scheduler') }, (text) =>
        text.replace('- kube-scheduler\n', '- kube-scheduler\n    - --v\n    - "4"\n'),
      ),
  },
  {
    id: 'api-server-without-a-flag',
    found: [{ proof: 'control-planes-alike', node: 'spare' }],
    put: (cluster) =>
      changedFile(cluster, { node: cluster.spare, path: manifest('kube-apiserver') }, (text) =>
        text.replace(/^ *- --enable-admission-plugins=.*\n/m, ''),
      ),
  },
  {
    id: 'kubelet-configured-differently',
    found: [{ proof: 'control-planes-alike', node: 'cp3' }],
    put: (cluster) =>
      changedFile(
        cluster,
        { node: 'cp3', path: '/var/lib/kubelet/config.yaml' },
        (text) => `${text.trimEnd()}\nmaxPods: 200\n`,
      ),
  },
  {
    id: 'kubeadm-config-names-another-etcd',
    found: [{ proof: 'etcd-topology' }],
    put: (cluster) =>
      changedConfigMap(
        cluster,
        { namespace: 'kube-system', name: 'kubeadm-config', key: 'ClusterConfiguration' },
        (text) => text.replace(/^( *)local:\n.*\n/m, '$1external:\n$1$1endpoints: ["https://127.0.0.1:2379"]\n'),
      ),
  },
  {
    id: 'one-machine',
    found: [{ proof: 'separate-machines', node: 'cp3' }],
    async put(cluster) {
      const twin = await cluster.readFile('cp2', '/etc/machine-id')
      return changedFile(cluster, { node: 'cp3', path: '/etc/machine-id' }, () => twin ?? '')
    },
  },
  {
    id: 'control-plane-unlabelled',
    found: [{ proof: 'nodes-ready', node: 'cp3' }],
    async put(cluster) {
      const object = { plural: 'nodes', name: cluster.node('cp3').name } as const
      const label = (value: string | null) => ({
        metadata: { labels: { 'node-role.kubernetes.io/control-plane': value } },
      })
      await cluster.patchObject(object, label(null))
      return () => cluster.patchObject(object, label(''))
    },
  },
  {
    id: 'coredns-on-one-node',
    found: [{ proof: 'coredns' }],
    async put(cluster) {
      const object = { plural: 'deployments', namespace: 'kube-system', name: 'coredns' } as const
      const on = (nodeName: string | null) => ({ spec: { template: { spec: { nodeName } } } })
      await cluster.patchObject(object, on(cluster.node('w1').name))
      return () => cluster.patchObject(object, on(null))
    },
  },
  {
    id: 'scheduler-gone',
    found: [{ proof: 'leases' }],
    async put(cluster) {
      const path = manifest('kube-scheduler')
      const outs: TakeOut[] = []
      for (const node of ['cp1', 'cp2', 'cp3'] as const) {
        const text = (await cluster.readFile(node, path)) ?? ''
        await cluster.removeFile(node, path)
        outs.push(() => cluster.writeFile(node, path, text))
      }
      return allOut(...outs)
    },
  },
]
