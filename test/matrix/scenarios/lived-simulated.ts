import { readFileSync } from 'node:fs'
import { readCertificate } from '@quorate/shared/pki'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { clusterForTest, ended } from '../../support/simulated-cluster.js'
import { joinByHand } from '../join-by-hand.js'

const endpoint = 'https://apiserver.example.com:8443'
const controlPlanes = ['cp1', 'cp2', 'cp3', 'cp4']
const read = (cluster: SimulatedCluster, node: string, path: string): string =>
  readFileSync(cluster.node(node).root + path, 'utf8')
const serverOf = (text: string): string => /server: (\S+)/.exec(text)?.[1] ?? ''

async function onEach(t: Test, cluster: SimulatedCluster, argv: readonly string[], nodes = controlPlanes) {
  for (const node of nodes) ended(t, await cluster.sh(node, argv))
}

/** What a rollout or a new member takes its time for is asked again; what stays wrong is shown. */
async function verified(t: Test, cluster: SimulatedCluster): Promise<string> {
  const verify = () => cluster.quorate(['verify', '-f', cluster.clusterFile])
  let last = await verify()
  for (const until = Date.now() + 90_000; last.exitCode !== 0 && Date.now() < until; ) last = await verify()
  ended(t, last)
  return last.stdout
}

/** Of everything that kubeadm or a kubelet writes. */
async function nothingNamesTheFirst(t: Test, cluster: SimulatedCluster): Promise<void> {
  const old = `https://${cluster.node('cp1').address}:6443`
  for (const node of ['w1', 'w2'])
    t.equal(serverOf(read(cluster, node, '/etc/kubernetes/kubelet.conf')), endpoint, node)
  for (const node of controlPlanes.slice(1))
    for (const file of ['admin', 'kubelet', 'controller-manager', 'scheduler'])
      t.not(serverOf(read(cluster, node, `/etc/kubernetes/${file}.conf`)), old, `${file}.conf of ${node}`)
  t.equal(serverOf(read(cluster, 'cp1', '/etc/kubernetes/admin.conf')), endpoint)
  const maps = { 'kube-system/kube-proxy': 'kubeconfig.conf', 'kube-public/cluster-info': 'kubeconfig' }
  const dump = await cluster.control.ask<Record<string, { data?: Record<string, string> }>>('dump')
  for (const [name, key] of Object.entries(maps))
    t.equal(serverOf(dump[`/configmaps/${name}`]?.data?.[key] ?? ''), endpoint, name)
}

/** The same on simulated nodes, where kubeadm's next release can be made up. */
export async function livedSimulated(t: Test, kubernetesVersion: string): Promise<void> {
  const site = { kubernetesVersion, controlPlanes: 4, workers: 2, spareWorkers: 1 }
  const cluster = await clusterForTest(t, site, { controlPlanes: controlPlanes.slice(0, 3), workers: ['w1'] })
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))

  await t.test('a new worker, joined by kubeadm', async (t) => {
    await joinByHand(cluster, 'w2')
    await verified(t, cluster)
  })
  await t.test('a fourth control plane, joined by kubeadm: said to be even, and not in the file', async (t) => {
    await joinByHand(cluster, 'cp4', { asControlPlane: true })
    const said = await verified(t, cluster)
    t.match(said, /warning etcd on k8smaster4\.example\.com/)
    t.match(said, /etcd has 4 voters/)
    await nothingNamesTheFirst(t, cluster)
  })
  await t.test('kubeadm certs renew all, on each control plane', async (t) => {
    const certificates = () =>
      controlPlanes.map((node) => readCertificate(read(cluster, node, '/etc/kubernetes/pki/apiserver.crt')))
    const before = certificates()
    await onEach(t, cluster, ['kubeadm', 'certs', 'renew', 'all'])
    for (const [index, { serial, sans }] of certificates().entries()) {
      t.not(serial, before[index]?.serial, 'a new certificate')
      t.same([...sans].sort(), [...(before[index]?.sans ?? [])].sort(), 'for the same names')
    }
    await verified(t, cluster)
  })
  await t.test('kubeadm upgrade to the next patch release', async (t) => {
    const next = kubernetesVersion.replace(/\d+$/, (patch) => `${Number(patch) + 1}`)
    await onEach(t, cluster, ['kubeadm', 'upgrade', 'apply', next, '--yes'], ['cp1'])
    await onEach(t, cluster, ['kubeadm', 'upgrade', 'node'], controlPlanes.slice(1))
    for (const node of controlPlanes)
      t.match(read(cluster, node, '/etc/kubernetes/manifests/kube-apiserver.yaml'), next)
    await verified(t, cluster)
    await nothingNamesTheFirst(t, cluster)
  })
}
