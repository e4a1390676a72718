import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts } from '../assertions.js'
import type { Scenario } from '../scenario.js'

const certificatesDir = '/etc/ssl/k8s'
const etcdDataDir = '/data/etcd'

export const foldersElsewhere: Scenario = {
  id: 'folders-elsewhere',
  title: '`certificatesDir: /etc/ssl/k8s` and etcd `dataDir: /data/etcd`',
  group: 'control plane',
  outcome: 'converted',
  note: "The folders are read from the control plane's own manifests; joiners get the same, and nothing is left in kubeadm's usual ones.",
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, init: { certificatesDir, etcdDataDir } },
        looks: (cluster) => sameFolders(t, cluster),
        undone: true,
      }),
  },
}

/** Every control plane has them there, and none has kubeadm's usual ones. */
function sameFolders(t: Test, cluster: SimulatedCluster): void {
  const listed = (root: string, path: string) => (existsSync(root + path) ? readdirSync(root + path).sort() : [])
  const first = listed(cluster.node('cp1').root, certificatesDir)
  for (const name of ['cp1', 'cp2', 'cp3']) {
    const { root } = cluster.node(name)
    t.same(listed(root, certificatesDir), first, `${name}: the same certificates`)
    t.same(listed(root, etcdDataDir), ['member'], `${name}: etcd's data`)
    t.same(listed(root, '/etc/kubernetes/pki'), [], `${name}: no certificates in kubeadm's usual folder`)
    t.same(listed(root, '/var/lib/etcd'), [], `${name}: no data in etcd's usual folder`)
    const manifest = readFileSync(`${root}/etc/kubernetes/manifests/etcd.yaml`, 'utf8')
    t.match(manifest, `--data-dir=${etcdDataDir}`)
    t.match(manifest, `--trusted-ca-file=${certificatesDir}/etcd/ca.crt`)
  }
}
