import type { LabNode, NodeSpec } from '../machines/node.js'
import type { Piece, PieceLab } from './piece.js'

const members: readonly NodeSpec[] = [1, 2, 3].map((n) => ({
  short: `e${n}`,
  name: `etcd${n}.example.com`,
  octet: 40 + n,
  role: 'etcd',
}))
/** Where its machines and the API servers have its certificates: not a path that kubeadm knows. */
export const etcdClientFolder = '/etc/etcd/pki'

const unit = (node: LabNode, all: readonly LabNode[]) => `[Unit]
Description=etcd
After=lab-node.service
[Service]
Type=notify
ExecStart=/usr/local/bin/etcd --name ${node.spec.name} --data-dir /var/lib/etcd/data \\
  --listen-client-urls https://${node.address}:2379,https://127.0.0.1:2379 --advertise-client-urls https://${node.address}:2379 \\
  --listen-peer-urls https://${node.address}:2380 --initial-advertise-peer-urls https://${node.address}:2380 \\
  --initial-cluster ${all.map(({ spec, address }) => `${spec.name}=https://${address}:2380`).join(',')} \\
  --client-cert-auth --trusted-ca-file ${etcdClientFolder}/ca.crt --cert-file ${etcdClientFolder}/server.crt --key-file ${etcdClientFolder}/server.key \\
  --peer-client-cert-auth --peer-trusted-ca-file ${etcdClientFolder}/ca.crt --peer-cert-file ${etcdClientFolder}/server.crt --peer-key-file ${etcdClientFolder}/server.key
Restart=on-failure
[Install]
WantedBy=multi-user.target
`

/** A CA and certificates made with openssl, as is common when kubeadm does not make etcd. */
async function makeCertificates(maker: LabNode, all: readonly LabNode[]): Promise<void> {
  const sign = (name: string, extensions: string) => `
    openssl req -new -newkey rsa:2048 -nodes -keyout ${name}.key -subj /CN=${name} -out ${name}.csr 2>/dev/null
    printf '${extensions}' > ${name}.ext
    openssl x509 -req -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile ${name}.ext -out ${name}.crt 2>/dev/null`
  const server = (node: LabNode) =>
    sign(
      node.spec.short,
      `extendedKeyUsage=serverAuth,clientAuth\\nsubjectAltName=DNS:${node.spec.name},DNS:localhost,IP:${node.address},IP:127.0.0.1\\n`,
    )
  const script = `set -e; mkdir -p -m 700 /root/ca; cd /root/ca
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=etcd-ca -days 365 -out ca.crt 2>/dev/null
    ${all.map(server).join('')}${sign('client', 'extendedKeyUsage=clientAuth\\n')}`
  await maker.must(['sh', '-c', script])
}

async function bring(from: LabNode, file: string, node: LabNode, path: string): Promise<void> {
  const mode = path.endsWith('.key') ? '0600' : '0644'
  await node.put(path, await from.must(['cat', `/root/ca/${file}`]), mode)
}

async function startEtcd(lab: PieceLab): Promise<void> {
  const all = lab.nodes.filter(({ spec }) => spec.role === 'etcd')
  const [maker] = all as [LabNode]
  await makeCertificates(maker, all)
  for (const node of all) {
    for (const [file, name] of [
      ['ca.crt', 'ca.crt'],
      [`${node.spec.short}.crt`, 'server.crt'],
      [`${node.spec.short}.key`, 'server.key'],
    ] as const)
      await bring(maker, file, node, `${etcdClientFolder}/${name}`)
    await node.install(lab.etcdProgram, '/usr/local/bin/etcd')
    await node.put('/etc/systemd/system/etcd.service', unit(node, all))
    await node.must(['systemctl', 'daemon-reload'])
  }
  await Promise.all(all.map((node) => node.must(['systemctl', 'enable', '--now', 'etcd'])))
  for (const file of ['ca.crt', 'client.crt', 'client.key'])
    await bring(maker, file, lab.node('cp1'), `${etcdClientFolder}/${file}`)
}

/** etcd as a service on three separate machines, with its own CA. */
export const externalEtcd: Piece = {
  machines: members,
  init({ cluster }, lab) {
    const all = lab.nodes.filter(({ spec }) => spec.role === 'etcd')
    cluster.etcd = {
      external: {
        endpoints: all.map(({ address }) => `https://${address}:2379`),
        caFile: `${etcdClientFolder}/ca.crt`,
        certFile: `${etcdClientFolder}/client.crt`,
        keyFile: `${etcdClientFolder}/client.key`,
      },
    }
  },
  before: startEtcd,
}
