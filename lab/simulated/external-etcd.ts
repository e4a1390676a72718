import { issue } from './certificates.js'
import { EtcdCluster, type EtcdMemberState } from './etcd-cluster.js'
import { EtcdProcess } from './etcd-process.js'
import { httpsUrl } from './host-port.js'
import { type ExternalEtcd, usualEtcdDataDir } from './init-wish.js'
import { SimulatedNode } from './node.js'
import type { Site } from './site.js'
import type { ExternalEtcdWish } from './world-options.js'

const own = '/etc/etcd/pki'

/** An etcd that is not on the control planes: each API server uses any member that it reaches and that reaches the leader. */
export class ExternalEtcdCluster extends EtcdCluster {
  override memberFor(node: SimulatedNode): EtcdMemberState | undefined {
    const reached = this.members.filter(
      (member) => member.serving && member.node?.alive === true && !this.network.isCut(node, member.node),
    )
    return reached.find((member) => this.canCommit(member)) ?? reached[0]
  }
}

/** The machines of an external etcd: no kubelet, no agent, not in the cluster file. */
export function etcdMachines(
  { members = 0 }: Partial<ExternalEtcdWish>,
  place: (octet: number) => { address: string; root: string },
): SimulatedNode[] {
  return Array.from({ length: members }, (_, index) => {
    const name = `etcd${index + 1}.example.com`
    return new SimulatedNode({ name, role: 'etcd', balances: false, ...place(61 + index) })
  })
}

/** How kubeadm-config and API servers refer to them. */
export function externalEtcdOf(
  { clientFolder = own, named }: ExternalEtcdWish,
  machines: readonly SimulatedNode[],
): ExternalEtcd {
  return {
    caFile: `${clientFolder}/ca.crt`,
    certFile: `${clientFolder}/apiserver.crt`,
    endpoints: machines.slice(0, named).map(({ address }) => httpsUrl(address, 2379)),
    keyFile: `${clientFolder}/apiserver.key`,
  }
}

/** Starts every member, with certificates of a CA that kubeadm does not know, and gives the first control plane its client's files. */
export async function startExternalEtcd(
  site: Site,
  { machines, external }: { readonly machines: readonly SimulatedNode[]; readonly external: ExternalEtcd },
  first: SimulatedNode,
): Promise<void> {
  const [key, , etcdKey] = site.keys
  if (key === undefined || etcdKey === undefined) throw new Error('the laboratory made no keys')
  const ca = issue({ commonName: 'ca of another team', usage: 'ca' }, etcdKey)
  const client = issue({ commonName: 'kube-apiserver', usage: 'client' }, key, ca)
  first.write(external.caFile, ca.cert, 0o644)
  first.write(external.certFile, client.cert, 0o644)
  first.write(external.keyFile, client.key, 0o600)
  for (const node of machines) {
    const names = { dnsNames: [node.name], ipAddresses: [node.address] }
    const pair = issue({ commonName: node.name, usage: 'both', ...names }, key, ca)
    node.write(`${own}/ca.crt`, ca.cert, 0o644)
    node.write(`${own}/member.crt`, pair.cert, 0o644)
    node.write(`${own}/member.key`, pair.key, 0o600)
  }
  await Promise.all(machines.map((node) => processOf(site, node).start()))
}

function processOf({ network, etcd, release }: Site, node: SimulatedNode): EtcdProcess {
  const [client, peer] = [2379, 2380].map((port) => httpsUrl(node.address, port)) as [string, string]
  const flags = new Map(
    Object.entries({
      name: node.name,
      'data-dir': usualEtcdDataDir,
      'advertise-client-urls': client,
      'listen-client-urls': client,
      'initial-advertise-peer-urls': peer,
      'listen-peer-urls': peer,
      ...Object.fromEntries(
        ['', 'peer-'].flatMap((who) => [
          [`${who}cert-file`, `${own}/member.crt`],
          [`${who}key-file`, `${own}/member.key`],
          [`${who}trusted-ca-file`, `${own}/ca.crt`],
        ]),
      ),
    }),
  )
  return new EtcdProcess({ node, network, cluster: etcd, flags, version: release.etcdVersion })
}
