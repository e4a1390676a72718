import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { answers } from '../../../lab/simulated/probing.js'
import { ended } from '../../support/simulated-cluster.js'
import { statusFor } from '../../support/with-kubeconfig.js'
import { converts } from '../assertions.js'
import type { Scenario } from '../scenario.js'

const port = 6443
const conf = '/etc/kubernetes/kube-vip.conf'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'

const holderOf = (cluster: SimulatedCluster): Promise<string | null> => cluster.control.ask('virtualIpHolder')

/** Each has its own credentials for its own API server, good for its Lease and nothing else. */
async function ownRights(t: Test, cluster: SimulatedCluster): Promise<void> {
  for (const name of ['cp1', 'cp2', 'cp3']) {
    const { root, address } = cluster.node(name)
    const kubeconfig = readFileSync(root + conf, 'utf8')
    t.match(kubeconfig, `server: https://${address}:${port}\n`, `${name} asks its own API server`)
    t.equal(await statusFor(kubeconfig, 'GET', `${leases}/plndr-cp-lock`), 200)
    for (const path of [leases, `${leases}/kube-scheduler`, '/api/v1/namespaces/kube-system/secrets', '/api/v1/nodes'])
      t.equal(await statusFor(kubeconfig, 'GET', path), 403, path)
    t.equal(await statusFor(kubeconfig, 'DELETE', `${leases}/plndr-cp-lock`), 403)
    t.notMatch(readFileSync(`${root}/etc/kubernetes/manifests/kube-vip.yaml`, 'utf8'), 'super-admin')
  }
}

/** The machine that holds the address loses its power: another takes it over, and gives it back to nobody when the first has booted. */
async function survivesPowerCut(t: Test, cluster: SimulatedCluster): Promise<void> {
  t.equal(await holderOf(cluster), cluster.node('cp1').name)
  const cut = Date.now()
  await cluster.kill('cp1')
  for (const deadline = cut + 60_000; Date.now() < deadline; await pause(100))
    if (await answers(cluster.world.virtualIp, port)) break
  t.ok(await answers(cluster.world.virtualIp, port), 'another control plane answers at the address')
  t.comment(`the address moved ${Date.now() - cut} ms after the power cut`)
  t.match(await holderOf(cluster), /^k8smaster[23]/)
  await cluster.control.ask('bootNode', { node: cluster.node('cp1').name })
  await cluster.startAgent(cluster.node('cp1'))
  const verified = async () => (await cluster.quorate(['verify', '-f', cluster.clusterFile])).exitCode === 0
  for (const deadline = Date.now() + 90_000; Date.now() < deadline && !(await verified()); ) await pause(500)
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
}

const isNotVerified = async (t: Test, cluster: SimulatedCluster): Promise<void> => {
  const path = '/etc/kubernetes/manifests/kube-vip.yaml'
  const node = cluster.node('cp3')
  const text = readFileSync(node.root + path, 'utf8')
  await cluster.control.ask('removeFile', { node: node.name, path })
  const verdict = await cluster.quorate(['verify', '-f', cluster.clusterFile])
  ended(t, verdict, 7)
  t.match(verdict.stdout, /kube-vip does not run/)
  await cluster.control.ask('writeFile', { node: node.name, path, text })
}

interface Wish {
  /** More of `loadBalancer`. */
  readonly settings: string
  looks(t: Test, cluster: SimulatedCluster): Promise<void>
  readonly undone?: true
}

function tryIt({ settings, looks, ...undone }: Wish) {
  return (t: Test, kubernetesVersion: string) =>
    converts(t, {
      site: { kubernetesVersion },
      file: {
        endpoint: `apiserver.example.com:${port}`,
        loadBalancer: `{kind: kube-vip, virtualIP: $virtualIP${settings}}`,
      },
      endpointAt: ({ world }) => ({ address: world.virtualIp, port }),
      ...undone,
      async looks(cluster) {
        await ownRights(t, cluster)
        await looks(t, cluster)
      },
    })
}

/** Takes the one down that holds the address, and lets another run of Quorate give back what somebody took away. */
async function drilledAndMended(t: Test, cluster: SimulatedCluster): Promise<void> {
  const consent = ['--yes', '--i-know-this-takes-parts-down', '--down-for', '10']
  ended(t, await cluster.quorate(['drill', '-f', cluster.clusterFile, '--only', 'load-balancer', ...consent]))
  t.match(await holderOf(cluster), /^k8smaster[23]/, 'the address has moved')
  const { name, root } = cluster.node('cp2')
  await cluster.control.ask('removeFile', { node: name, path: conf })
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  t.equal(await statusFor(readFileSync(root + conf, 'utf8'), 'GET', `${leases}/plndr-cp-lock`), 200)
  const again = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, again)
  t.notMatch(again.stdout, /run kube-vip/, 'and then there is nothing to do')
}

export const lbKubeVip: Scenario = {
  id: 'lb-kube-vip',
  title: '`kube-vip` by ARP, as a static pod with a kubeconfig of its own',
  group: 'load balancer',
  outcome: 'converted',
  note: 'It balances nothing: the endpoint has the port of the API server, and a power cut of the holder is felt for up to its Lease, five seconds.',
  everyRun: true,
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: tryIt({
      settings: '',
      undone: true,
      async looks(t, cluster) {
        await isNotVerified(t, cluster)
        await survivesPowerCut(t, cluster)
      },
    }),
  },
}

export const lbKubeVipBgp: Scenario = {
  id: 'lb-kube-vip-bgp',
  title: '`kube-vip` by BGP',
  group: 'load balancer',
  outcome: 'converted',
  note: 'The routers of the simulation believe the holder of the Lease: BGP itself is not tried.',
  simulated: {
    versions: ['v1.37.2'],
    try: tryIt({
      settings: ', bgp: {as: 65000, peers: [{address: 192.0.2.1, as: 65001}]}',
      async looks(t, cluster) {
        const { root, address } = cluster.node('cp2')
        const manifest = readFileSync(`${root}/etc/kubernetes/manifests/kube-vip.yaml`, 'utf8')
        t.match(manifest, `name: bgp_routerid\n          value: ${address}`)
        t.match(manifest, 'value: 192.0.2.1:65001::false')
        await drilledAndMended(t, cluster)
      },
    }),
  },
}
