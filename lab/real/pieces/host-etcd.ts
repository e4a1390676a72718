import type { KubeadmDocuments } from '../machines/kubeadm-documents.js'
import type { LabNode } from '../machines/node.js'
import type { PieceLab } from './piece.js'

/** Where kubespray, and KubeKey after it, keep etcd's certificates. */
const folder = '/etc/ssl/etcd/ssl'
const short = (node: LabNode): string => node.spec.name.replace(/\..*/, '')

const unit = `[Unit]
Description=etcd
After=network.target lab-node.service
[Service]
Type=notify
User=root
EnvironmentFile=/etc/etcd.env
ExecStart=/usr/local/bin/etcd
NotifyAccess=all
Restart=always
RestartSec=10s
LimitNOFILE=40000
[Install]
WantedBy=multi-user.target
`

function environment(node: LabNode): string {
  const [client, peer] = [`https://${node.address}:2379`, `https://${node.address}:2380`]
  const certificate = `${folder}/member-${short(node)}`
  const trust = (prefix: string) => ({
    [`${prefix}TRUSTED_CA_FILE`]: `${folder}/ca.pem`,
    [`${prefix}CERT_FILE`]: `${certificate}.pem`,
    [`${prefix}KEY_FILE`]: `${certificate}-key.pem`,
    [`${prefix}CLIENT_CERT_AUTH`]: 'true',
  })
  const all = {
    ETCD_DATA_DIR: '/var/lib/etcd',
    ETCD_NAME: 'etcd1',
    ETCD_ADVERTISE_CLIENT_URLS: client,
    ETCD_LISTEN_CLIENT_URLS: `${client},https://127.0.0.1:2379`,
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peer,
    ETCD_LISTEN_PEER_URLS: peer,
    ETCD_INITIAL_CLUSTER: `etcd1=${peer}`,
    ETCD_INITIAL_CLUSTER_STATE: 'new',
    ETCD_INITIAL_CLUSTER_TOKEN: 'k8s_etcd',
    ETCD_SNAPSHOT_COUNT: '10000',
    ETCD_AUTO_COMPACTION_RETENTION: '8',
    ...trust('ETCD_'),
    ...trust('ETCD_PEER_'),
  }
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

/** One certificate of each kind that their scripts make: for the member, for its administrator, and for clients on the node. */
function certificates(node: LabNode): string {
  const names = `DNS:localhost,DNS:etcd.kube-system.svc,DNS:${node.spec.name},DNS:${short(node)},IP:${node.address},IP:127.0.0.1`
  const sign = (kind: string) => `
    openssl req -new -newkey rsa:2048 -nodes -keyout ${kind}-${short(node)}-key.pem -subj /CN=etcd-${kind}-${short(node)} -out x.csr 2>/dev/null
    openssl x509 -req -in x.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 36500 -extfile x.ext -out ${kind}-${short(node)}.pem 2>/dev/null`
  return `set -e; mkdir -p ${folder}; cd ${folder}
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -subj /CN=etcd-ca -days 36500 -out ca.pem 2>/dev/null
    printf 'extendedKeyUsage=serverAuth,clientAuth\\nsubjectAltName=${names}\\n' > x.ext
    ${['admin', 'member', 'node'].map(sign).join('')}
    rm x.csr x.ext ca.srl; chmod 700 . ; chmod 600 *-key.pem`
}

/** etcd as a service of the first control plane itself, as in kubespray and KubeKey: for kubeadm it is external. */
export async function startHostEtcd(lab: PieceLab): Promise<void> {
  const cp1 = lab.node('cp1')
  await cp1.must(['sh', '-c', certificates(cp1)])
  await cp1.install(lab.etcdProgram, '/usr/local/bin/etcd')
  await cp1.put('/etc/etcd.env', environment(cp1), '0640')
  await cp1.put('/etc/systemd/system/etcd.service', unit)
  await cp1.must(['systemctl', 'enable', '--now', 'etcd'])
}

export function hostEtcd(documents: KubeadmDocuments, lab: PieceLab): void {
  const cp1 = lab.node('cp1')
  documents.cluster.etcd = {
    external: {
      endpoints: [`https://${cp1.address}:2379`],
      caFile: `${folder}/ca.pem`,
      certFile: `${folder}/node-${short(cp1)}.pem`,
      keyFile: `${folder}/node-${short(cp1)}-key.pem`,
    },
  }
}

/** The names that both add to the API server's certificate, besides kubeadm's. */
export function certificateNames(lab: PieceLab, ...own: readonly string[]): string[] {
  const inside = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const nodes = [lab.node('cp1')].flatMap((node) => [node.spec.name, node.address])
  return [...inside, '10.96.0.1', 'localhost', '127.0.0.1', ...nodes, ...own]
}
