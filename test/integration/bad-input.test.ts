import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { enrolBundle } from '@quorate/coordinator/state/enroll-bundle'
import { initState } from '@quorate/coordinator/state/init'
import { statePaths } from '@quorate/coordinator/state/paths'
import t from 'tap'
import { type Identity, issue } from '../../lab/simulated/certificates.js'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { apiObjects, clusterForTest, controllersRest, ended, hashFiles } from '../support/simulated-cluster.js'

interface BadInput {
  readonly title: string
  /** What is made wrong; answers how it is mended again. */
  breakIt(cluster: SimulatedCluster): Promise<() => Promise<void> | void>
  readonly exitCode: number
  /** What a person reads: what is wrong, and where. */
  readonly says: readonly RegExp[]
}

const inFile =
  (change: (text: string) => string) =>
  async (cluster: SimulatedCluster): Promise<() => void> => {
    const text = cluster.clusterFileText()
    if (change(text) === text) throw new Error('the file is as good as before: it would be converted')
    writeFileSync(cluster.clusterFile, change(text))
    return () => cluster.writeClusterFile()
  }

const withFile =
  (node: string, path: string, text = 'x\n') =>
  async (cluster: SimulatedCluster): Promise<() => Promise<void>> => {
    const { name } = cluster.node(node)
    await cluster.control.ask('writeFile', { node: name, path, text })
    return () => cluster.control.ask('removeFile', { node: name, path })
  }

/** Another identity in the place of a node's own, with its agent started anew. */
const withIdentity =
  (node: string, identity: (cluster: SimulatedCluster, folder: string) => Promise<void>, clockOffsetMs = 0) =>
  async (cluster: SimulatedCluster): Promise<() => Promise<void>> => {
    const target = cluster.node(node)
    const folder = join(target.root, 'etc/quorate')
    const kept = ['node.crt', 'node.key', 'fleet-ca.crt'].map(
      (name) => [join(folder, name), readFileSync(join(folder, name))] as const,
    )
    await cluster.stopAgent(target.name)
    await identity(cluster, folder)
    await cluster.startAgent(target, { clockOffsetMs })
    return async () => {
      await cluster.stopAgent(target.name)
      for (const [path, bytes] of kept) writeFileSync(path, bytes)
      await cluster.startAgent(target)
    }
  }

/** Signed by our fleet, but over since yesterday. The agent would not start with it: it started the day before. */
async function expired(cluster: SimulatedCluster, folder: string): Promise<void> {
  const { caCert, caKey } = statePaths(cluster.stateFolder)
  const ca: Identity = { cert: readFileSync(caCert, 'utf8'), key: readFileSync(caKey, 'utf8') }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const day = 24 * 3_600_000
  const name = cluster.node('w1').name
  const made = issue(
    {
      commonName: name,
      organizations: ['quorate:node'],
      dnsNames: [name],
      usage: 'server',
      notBefore: new Date(Date.now() - 2 * day),
      notAfter: new Date(Date.now() - day),
    },
    privateKey,
    ca,
  )
  writeFileSync(join(folder, 'node.crt'), made.cert)
  writeFileSync(join(folder, 'node.key'), made.key)
}

/** Made by another coordinator. */
async function foreign(cluster: SimulatedCluster, folder: string): Promise<void> {
  const other = statePaths(join(cluster.operatorFolder, 'other-state'))
  await initState(join(cluster.operatorFolder, 'other-state'))
  const { name, address } = cluster.node('w1')
  const bundle = join(cluster.operatorFolder, 'other-bundle')
  await enrolBundle(other, { node: name, address, bundle })
  for (const file of ['node.crt', 'node.key', 'fleet-ca.crt'])
    writeFileSync(join(folder, file), readFileSync(join(bundle, file)))
}

const badInputs: readonly BadInput[] = [
  {
    title: 'a cluster file that is no YAML',
    breakIt: inFile((text) => `${text}\n  - [}`),
    exitCode: 2,
    says: [/CLUSTER_FILE_INVALID/, /cluster\.yaml/],
  },
  {
    title: 'an unknown key',
    breakIt: inFile((text) => text.replace('metadata:', 'metadatas:')),
    exitCode: 2,
    says: [/CLUSTER_FILE_INVALID/, /metadatas/],
  },
  {
    title: 'an even number of control planes',
    breakIt: inFile((text) => text.replace(/^ {2}- \{name: k8smaster3.*\n/m, '')),
    exitCode: 2,
    says: [/CLUSTER_FILE_INVALID/, /control planes/i],
  },
  {
    title: 'two nodes with one address',
    breakIt: async (cluster) =>
      inFile((text) => text.replace(cluster.node('cp3').address, cluster.node('cp2').address))(cluster),
    exitCode: 2,
    says: [/CLUSTER_FILE_INVALID/, /address/i],
  },
  {
    title: 'an IP address where the endpoint needs a name',
    breakIt: inFile((text) => text.replace('endpoint: apiserver.example.com:8443', 'endpoint: 192.0.2.1:8443')),
    exitCode: 2,
    says: [/CLUSTER_FILE_INVALID/, /endpoint/],
  },
  {
    // That of a worker is another matter: what is due on it waits for it (test/scenarios/worker-missing.test.ts).
    title: 'an agent of a control plane that does not answer',
    breakIt: async (cluster) => {
      const node = cluster.node('cp3')
      await cluster.stopAgent(node.name)
      return () => cluster.startAgent(node)
    },
    exitCode: 3,
    says: [/AGENT_UNREACHABLE|cannot be reached/, /k8smaster3/],
  },
  {
    title: 'an agent whose certificate has expired',
    breakIt: withIdentity('w1', expired, -36 * 3_600_000),
    exitCode: 3,
    says: [/expired|trust/i, /k8sworker1/, /enroll/],
  },
  {
    title: 'an agent of another fleet',
    breakIt: withIdentity('w1', foreign),
    exitCode: 3,
    says: [/trust/i, /k8sworker1/, /enroll/],
  },
  {
    title: 'another Kubernetes version on a joiner',
    breakIt: async (cluster) => {
      await cluster.setFaults('cp3', { programVersion: 'v1.36.1' })
      return () => cluster.setFaults('cp3', { programVersion: cluster.world.kubernetesVersion })
    },
    exitCode: 3,
    says: [/kubernetes-versions/, /v1\.36\.1/, /k8smaster3/],
  },
  {
    title: 'a joiner with leftovers of another cluster',
    breakIt: withFile('cp2', '/etc/kubernetes/pki/ca.crt'),
    exitCode: 3,
    says: [/joiners-clean/, /k8smaster2/, /kubeadm reset/],
  },
  {
    title: 'a Ready Node that has the name of a joiner',
    breakIt: async (cluster) => {
      const { name } = cluster.node('cp3')
      await cluster.control.ask('addNode', { name, ready: true })
      return () => cluster.control.ask('kube', { method: 'DELETE', path: `/api/v1/nodes/${name}` })
    },
    exitCode: 3,
    says: [/joiners-clean/, /k8smaster3/, /kubectl delete node/],
  },
  {
    title: 'a cluster that is highly available behind another endpoint',
    breakIt: async (cluster) => {
      const label = { 'node-role.kubernetes.io/control-plane': '' }
      await cluster.control.ask('addNode', { name: 'other-master.example.com', ready: true, labels: label })
      await cluster.control.ask('setEndpoint', { endpoint: 'other.example.com:6443' })
      return async () => {
        await cluster.control.ask('kube', { method: 'DELETE', path: '/api/v1/nodes/other-master.example.com' })
        await cluster.control.ask('setEndpoint', { endpoint: '' })
      }
    },
    exitCode: 3,
    says: [/already-highly-available/, /other-master/],
  },
  { title: 'k3s', breakIt: withFile('cp1', '/etc/rancher/k3s/config.yaml'), exitCode: 3, says: [/not-kubeadm/, /k3s/] },
  {
    title: 'a cluster without the ConfigMap that kubeadm makes',
    breakIt: async (cluster) => {
      const path = '/api/v1/namespaces/kube-system/configmaps/kubeadm-config'
      const { body } = await cluster.control.ask<{ body: { data: unknown } }>('kube', { method: 'GET', path })
      await cluster.control.ask('kube', { method: 'DELETE', path })
      const again = { metadata: { name: 'kubeadm-config' }, data: body.data }
      return () =>
        cluster.control.ask('kube', { method: 'POST', path: path.replace('/kubeadm-config', ''), body: again })
    },
    exitCode: 3,
    says: [/not-kubeadm/, /kubeadm-config/],
  },
  {
    title: 'a worker that the file forgets',
    breakIt: inFile((text) => text.replace(/^workers:\n.*\n/m, 'workers: []\n')),
    exitCode: 3,
    says: [/workers-forgotten/, /k8sworker1/],
  },
  {
    title: 'a clock that is a minute off',
    breakIt: async (cluster) => {
      const node = cluster.node('cp2')
      await cluster.stopAgent(node.name)
      await cluster.startAgent(node, { clockOffsetMs: 60_000 })
      return async () => {
        await cluster.stopAgent(node.name)
        await cluster.startAgent(node)
      }
    },
    exitCode: 3,
    says: [/clocks/, /k8smaster2/],
  },
  {
    title: 'a joiner that does not reach the first control plane',
    breakIt: async (cluster) => {
      const between = { a: cluster.node('cp1').name, b: cluster.node('cp3').name }
      await cluster.control.ask('cutNetwork', { ...between, cut: true })
      return () => cluster.control.ask('cutNetwork', { ...between, cut: false })
    },
    exitCode: 3,
    says: [/reachability/, /k8smaster3/],
  },
]

t.test('bad input is refused with its remedy, and not one byte changes on any node', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  for (const { title, breakIt, exitCode, says } of badInputs) {
    await t.test(title, async (t) => {
      const mend = await breakIt(cluster)
      await controllersRest(cluster)
      const [files, objects] = [hashFiles(cluster), await apiObjects(cluster)]
      const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
      ended(t, run, exitCode)
      for (const expected of says) t.match(run.stdout + run.stderr, expected)
      t.same(hashFiles(cluster), files, 'files of every node')
      t.same(await apiObjects(cluster), objects, 'API objects')
      await mend()
    })
  }
})
