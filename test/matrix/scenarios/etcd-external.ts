import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Lab } from '../../../lab/real/lab.js'
import type { LabNode } from '../../../lab/real/machines/node.js'
import { etcdClientFolder } from '../../../lab/real/pieces/external-etcd.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { ended } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

export const etcdExternal: Scenario = {
  id: 'etcd-external',
  title: 'etcd on machines of its own, its client certificate at a path of its own',
  group: 'etcd',
  outcome: 'converted',
  note: "No member comes or goes, so a join is always undone; the snapshot is taken with the API server's own client certificate.",
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, externalEtcd: { members: 3, clientFolder: '/etc/etcd/client' } },
        async prepare(cluster) {
          const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
          ended(t, plan)
          t.notMatch(plan.stdout, /no way back|point of no return|etcd-topology/i)
        },
        looks: (cluster) => sameEtcd(t, cluster),
        undone: true,
      }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, {
        with: ['external-etcd'],
        stacked: false,
        looks: (lab) => sameEtcdReal(t, lab),
        undone: true,
      }),
  },
  everyRun: true,
}

/** The same on real nodes: what the API servers of joiners ask, and the members of an etcd that nobody told of them. */
async function sameEtcdReal(t: Test, lab: Lab): Promise<void> {
  const told = (node: LabNode) => node.must(['grep', '-e', '--etcd-', '/etc/kubernetes/manifests/kube-apiserver.yaml'])
  const files = (node: LabNode) =>
    node.must(['sh', '-c', `cd ${etcdClientFolder}; sha256sum ca.crt client.crt client.key; stat -c '%n %a %U' *`])
  const [cp1, ...joined] = lab.controlPlanes as [LabNode, ...LabNode[]]
  for (const node of joined) {
    t.equal(await told(node), await told(cp1), `${node.spec.short}: the same --etcd-servers and files`)
    t.equal(await files(node), await files(cp1), `${node.spec.short}: the same certificate, mode and owner`)
    t.equal((await node.sh(['test', '-e', '/etc/kubernetes/manifests/etcd.yaml'])).exitCode, 1, 'no etcd of its own')
  }
  const list = await lab
    .node('e1')
    .must([
      ...['etcdctl', '--endpoints=https://127.0.0.1:2379', `--cacert=${etcdClientFolder}/ca.crt`],
      ...[
        `--cert=${etcdClientFolder}/server.crt`,
        `--key=${etcdClientFolder}/server.key`,
        '-w',
        'json',
        'member',
        'list',
      ],
    ])
  const { members } = JSON.parse(list) as { members: { name: string }[] }
  t.same(members.map(({ name }) => name).sort(), ['etcd1.example.com', 'etcd2.example.com', 'etcd3.example.com'])
}

/** Each control plane asks the same etcd with the same files, has none of its own, and etcd was never told of any. */
async function sameEtcd(t: Test, cluster: SimulatedCluster): Promise<void> {
  const text = (node: string, path: string) => readFileSync(cluster.node(node).root + path, 'utf8')
  const told = (node: string) =>
    text(node, '/etc/kubernetes/manifests/kube-apiserver.yaml')
      .split('\n')
      .filter((line) => line.includes('--etcd-'))
  for (const joined of ['cp2', 'cp3']) {
    t.same(told(joined), told('cp1'), 'the same --etcd-servers and files')
    for (const file of ['ca.crt', 'apiserver.crt', 'apiserver.key'])
      t.ok(text(joined, `/etc/etcd/client/${file}`) === text('cp1', `/etc/etcd/client/${file}`), `${joined} ${file}`)
    t.throws(() => text(joined, '/etc/kubernetes/manifests/etcd.yaml'), { code: 'ENOENT' })
  }
  const { etcd } = await cluster.control.ask<{ etcd: unknown[] }>('executions')
  t.same(etcd, [], 'no member was added, promoted or removed')
}
