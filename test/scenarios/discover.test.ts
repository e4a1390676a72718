import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { isDiscovered, operatorKubeconfig } from '../support/discovered.js'
import { apiObjects, clusterForTest, ended } from '../support/simulated-cluster.js'

t.test(
  'a draft of the textbook cluster says where each line is from, and plans when its questions are answered',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 2 })
    const before = await apiObjects(cluster)
    const draft = await isDiscovered(t, cluster)
    const { name, address } = cluster.node('cp1')
    t.match(draft, `  - {name: ${name}, address: ${address}}   # Node of the cluster, exists, v1.37.2\n`)
    t.match(
      draft,
      `  - {name: ${cluster.node('w2').name}, address: ${cluster.node('w2').address}}   # Node of the cluster, v1.37.2\n`,
    )
    t.match(draft, 'Kubernetes v1.37.2, 1 control plane, 2 workers, API server on port 6443.')
    t.equal(draft.match(/# QUESTION: /g)?.length, 5, 'name, endpoint, virtual IP and two machines')
    t.same(Object.keys(await apiObjects(cluster)), Object.keys(before), 'nothing was made')

    const joins = ['cp2', 'cp3'].flatMap((short) => {
      const { name, address } = cluster.node(short)
      return ['--join', `${name}=${address}`]
    })
    const kubeconfig = operatorKubeconfig(cluster)
    const named = await cluster.quorate(['discover', '--kubeconfig', kubeconfig, ...joins])
    ended(t, named)
    t.match(parse(named.stdout), {
      controlPlanes: [{ name }, { name: cluster.node('cp2').name }, { name: cluster.node('cp3').name }],
    })
    const again = await cluster.quorate(['discover', '--kubeconfig', kubeconfig, '--join', `${name}=192.0.2.7`])
    ended(t, again, 2)
    t.match(again.stderr, 'has it already')
  },
)

t.test('a converted cluster has nothing to discover, until two more are named', async (t) => {
  const cluster = await clusterForTest(
    t,
    { workers: 1, controlPlanes: 5 },
    {
      controlPlanes: ['cp1', 'cp2', 'cp3'],
      loadBalancer: '{kind: kube-vip, virtualIP: $virtualIP}',
      endpoint: 'apiserver.example.com:6443',
    },
  )
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  const kubeconfig = operatorKubeconfig(cluster)
  const three = await cluster.quorate(['discover', '--kubeconfig', kubeconfig])
  ended(t, three, 3)
  t.match(three.stderr, 'the cluster has 3 control planes already')
  const hosts = join(cluster.operatorFolder, 'hosts.yaml')
  const joining = ['cp4', 'cp5'].map((short) => cluster.node(short))
  const lines = joining.map(({ name, address }) => `    ${name}: {ansible_host: "${address}"}\n`)
  writeFileSync(hosts, `k8s_masters:\n  hosts:\n${lines.join('')}`)
  const draft = await cluster.quorate([
    ...['discover', '--kubeconfig', kubeconfig, '--inventory', hosts, '--group', 'control-plane=k8s_masters'],
  ])
  ended(t, draft)
  t.match(draft.stdout, /kind: kube-vip {3}# pod kube-vip-\S+, which Quorate made\n {2}virtualIP: /)
  t.match(draft.stdout, 'endpoint: apiserver.example.com:6443   # controlPlaneEndpoint of kubeadm-config\n')
  const path = join(cluster.operatorFolder, 'five.yaml')
  writeFileSync(path, draft.stdout.replace('name: "?"', 'name: simulated'))
  ended(t, await cluster.quorate(['plan', '-f', path]))
})
