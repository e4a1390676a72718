import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { canonicalAddress } from '@quorate/shared/pki'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { serverIn } from '../../support/conversion-assertions.js'
import { converts } from '../assertions.js'
import { inOwnNetwork } from '../own-network.js'
import type { Scenario } from '../scenario.js'

const read = ({ root }: { readonly root: string }, path: string): string => readFileSync(root + path, 'utf8')
const controlPlanes = ['cp1', 'cp2', 'cp3']

/** Everything that has an address in it, as its reader wants it: in brackets before a port, without where none follows. */
function inBrackets(t: Test, cluster: SimulatedCluster): void {
  const { virtualIp } = cluster.world
  const [cp1, cp2, cp3] = controlPlanes.map((name) => cluster.node(name).address)
  for (const name of controlPlanes) {
    const node = cluster.node(name)
    const etcd = read(node, '/etc/kubernetes/manifests/etcd.yaml')
    t.match(etcd, `--listen-client-urls=https://[::1]:2379,https://[${node.address}]:2379`)
    t.match(etcd, `--initial-advertise-peer-urls=https://[${node.address}]:2380`)
    t.match(read(node, '/etc/kubernetes/manifests/kube-apiserver.yaml'), `--advertise-address=${node.address}\n`)
    const { subjectAltName = '' } = new X509Certificate(read(node, '/etc/kubernetes/pki/apiserver.crt'))
    const sans = subjectAltName.split(', ').map((san) => san.replace(/^IP Address:/, ''))
    for (const address of [node.address, virtualIp, 'fd00:10:96::1'])
      t.ok(
        sans.some((san) => isSame(san, address)),
        `the certificate of ${name} is for ${address}: ${sans.join(' ')}`,
      )
    t.equal(serverIn(cluster, name, '/etc/kubernetes/scheduler.conf'), `https://[${node.address}]:6443`)
    const haproxy = read(node, '/etc/quorate-haproxy/haproxy.cfg')
    t.match(haproxy, '  bind [::]:8443 v4v6\n')
    for (const address of [cp1, cp2, cp3]) t.match(haproxy, ` [${address}]:6443\n`)
    const keepalived = read(node, '/etc/quorate-keepalived/keepalived.conf')
    t.match(keepalived, `unicast_src_ip ${node.address}\n`)
    t.match(keepalived, `${virtualIp}/64 dev eth0`)
    t.match(read(node, '/etc/hosts'), `# BEGIN quorate\n${virtualIp} apiserver.example.com\n# END quorate\n`)
  }
  for (const name of [...controlPlanes, 'w1'])
    t.equal(serverIn(cluster, name, '/etc/kubernetes/kubelet.conf').includes('127.'), false)
}

/** A kubelet that is told nothing reports one family only, and Services of the other would not know its pods. */
async function knownByBoth(t: Test, cluster: SimulatedCluster): Promise<void> {
  for (const name of [...controlPlanes, 'w1']) {
    const node = cluster.node(name)
    const path = `/api/v1/nodes/${node.name}`
    const { body } = await cluster.control.ask<{
      body: { status: { addresses: { type: string; address: string }[] } }
    }>('kube', { method: 'GET', path })
    const known = body.status.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address)
    t.same(
      known,
      [node.address, `fd00:13::${node.address.split('.').at(-1)}`],
      `${name} is known by both its addresses`,
    )
  }
}

/** OpenSSL prints addresses of IPv6 with all their zeros. */
const isSame = (a: string, b: string): boolean => canonicalAddress(a) === canonicalAddress(b)

export const ipv6: Scenario = {
  id: 'ipv6',
  title: 'nodes, Services and virtual IP of IPv6 alone',
  group: 'network',
  outcome: 'converted',
  note: 'Brackets wherever a port follows; haproxy listens on both families, keepalived speaks VRRP over IPv6.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      inOwnNetwork(t, { scenario: 'ipv6', version }, () =>
        converts(t, {
          site: {
            kubernetesVersion: version,
            addresses: 'ipv6',
            dns: false,
            init: { serviceSubnet: 'fd00:10:96::/112' },
          },
          file: { policy: ['  manageHosts: true'] },
          looks: (cluster) => inBrackets(t, cluster),
          undone: true,
        }),
      ),
  },
}

export const dualStack: Scenario = {
  id: 'dual-stack',
  title: 'nodes and Services of IPv4 and IPv6 (dual stack), IPv4 first',
  group: 'network',
  outcome: 'converted',
  note: 'Endpoint, etcd and certificates are of the family of the addresses in the file; joiners get --node-ip with both.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: {
          kubernetesVersion,
          addresses: 'dual-stack',
          init: { serviceSubnet: '10.96.0.0/12,fd00:10:96::/112' },
        },
        looks: (cluster) => knownByBoth(t, cluster),
        undone: true,
      }),
  },
}
