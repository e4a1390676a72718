/** The contract on a lab of real nodes; runs inside the lab's network namespace: contract-inside.ts LAB. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { dirname, join } from 'node:path'
import { credentials } from '@grpc/grpc-js'
import { MaintenanceClient } from '@quorate/shared/gen/third_party/etcd/rpc'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'
import { connectCri } from '../../agent/src/host/cri-client.js'
import { LinuxHost } from '../../agent/src/host/linux-host.js'
import { Lab } from '../../lab/real/lab.js'
import type { LabNode } from '../../lab/real/machines/node.js'
import { clusterContract, type LabCluster } from '../contract/cluster-contract.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const lab = Lab.open(process.argv[2] ?? '')
const [cp1, cp2, w1] = [lab.node('cp1'), lab.node('cp2'), lab.node('w1')]
const of = (node: { name: string }): LabNode => lab.nodes.find(({ spec }) => spec.name === node.name) ?? cp1
const named = (node: LabNode) => ({ name: node.spec.name, address: node.address })
const endpoint = `https://${cp1.address}:2379`
const etcdctl = [
  ...['etcdctl', `--endpoints=${endpoint}`, '--cacert=/etc/kubernetes/pki/etcd/ca.crt'],
  ...[
    '--cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt',
    '--key=/etc/kubernetes/pki/etcd/healthcheck-client.key',
  ],
]
const pem = (name: string) => readFileSync(join(cp1.root, 'etc/kubernetes/pki/etcd', name))

/** The container runtime of a node, through its own view of /run. */
async function withRuntime<T>(node: LabNode, work: (cri: ReturnType<typeof connectCri>) => Promise<T>): Promise<T> {
  const cri = connectCri(new LinuxHost(`/proc/${node.leader()}/root`), '/run/containerd/containerd.sock')
  try {
    return await work(cri)
  } finally {
    cri.close()
  }
}

const admin = readKubeconfig(readFileSync(join(cp1.root, 'etc/kubernetes/admin.conf'), 'utf8'), place)

function kube(
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const sent = request(
      {
        ...{
          host: cp1.address,
          port: 6443,
          method,
          path,
          ca: admin.caPem,
          cert: admin.clientCertificatePem,
          key: admin.clientKeyPem,
        },
        headers: text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        let got = ''
        answer.on('data', (chunk) => {
          got += chunk
        })
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: got.startsWith('{') ? JSON.parse(got) : got }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(text)
  })
}

async function snapshot(): Promise<Buffer> {
  const trust = credentials.createSsl(pem('ca.crt'), pem('healthcheck-client.key'), pem('healthcheck-client.crt'))
  const client = new MaintenanceClient(`${cp1.address}:2379`, trust, { 'grpc.ssl_target_name_override': 'localhost' })
  const chunks: Buffer[] = []
  for await (const { blob } of client.snapshot({})) chunks.push(blob as Buffer)
  client.close()
  return Buffer.concat(chunks)
}

const real: LabCluster = {
  kubernetesVersion: lab.version,
  configApi: /^v1\.(2\d|30)\./.test(lab.version) ? 'v1beta3' : 'v1beta4',
  first: named(cp1),
  joiner: named(cp2),
  worker: named(w1),
  sh: (node, argv) => of(node).sh(argv),
  async readFile(node, path) {
    try {
      return readFileSync(join(of(node).root, path), 'utf8')
    } catch {
      return undefined
    }
  },
  async writeFile(node, path, text) {
    const file = join(of(node).root, path)
    mkdirSync(dirname(file), { recursive: true })
    // As the product does it: whole, by rename.
    writeFileSync(`${file}.contract`, text, { mode: 0o600 })
    renameSync(`${file}.contract`, file)
  },
  kube,
  containers: (node) =>
    withRuntime(of(node), async (cri) =>
      (await cri.containers([])).map(({ id, name, state }) => ({ id, name, running: state === 'running' })),
    ),
  stopContainer: (node, id) => withRuntime(of(node), (cri) => cri.stopContainer(id, 10)),
  snapshot,
  async addEtcdLearner(peerUrl) {
    const { exitCode, stderr } = await cp1.sh([
      ...etcdctl,
      'member',
      'add',
      `contract-${Date.now()}`,
      '--learner',
      `--peer-urls=${peerUrl}`,
    ])
    return exitCode === 0 ? '' : stderr
  },
  async removeEtcdLearners() {
    const { members } = JSON.parse(await cp1.must([...etcdctl, '-w', 'json', '--hex', 'member', 'list']))
    for (const { ID, isLearner } of members) if (isLearner) await cp1.must([...etcdctl, 'member', 'remove', ID])
  },
}

for (const [title, assert] of clusterContract) await t.test(title, (t) => assert(t, real))
