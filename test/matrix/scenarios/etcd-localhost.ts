import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Test } from 'tap'
import { issue, newKey } from '../../../lab/simulated/certificates.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts, refuses } from '../assertions.js'
import { convertsReal, refusesReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

const finding = 'etcd listens on port 2379 for this node alone'
const letsListen = '  letEtcdListen: true'
const accepts = '  acceptOutageSeconds: 120'
const policy = [letsListen, accepts, '  availabilityBudgetSeconds: 60']

export const etcdLocalhost: Scenario = {
  id: 'etcd-localhost',
  title: 'etcd that listens on localhost alone, as clusters born before 1.13 have it',
  group: 'etcd',
  outcome: 'converted',
  note: 'Refused unless `policy.letEtcdListen` says so (kubeadm#1950): then flags, certificates and the member list are changed first, with one restart of etcd, in which requests may fail. Undone with the rest.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    async try(t, kubernetesVersion) {
      const prepare = (cluster: SimulatedCluster) => shutIn(cluster)
      await t.test('without the choice', (t) => refuses(t, finding, { site: { kubernetesVersion }, prepare }))
      await t.test('with it', (t) =>
        converts(t, {
          ...{ site: { kubernetesVersion }, file: { policy }, prepare },
          etcdPauses: true,
          looks: (cluster) => listens(t, cluster),
          undone: true,
        }),
      )
    },
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    async try(t, version) {
      await t.test('without the choice', (t) => refusesReal(t, version, finding, { with: ['etcd-localhost'] }))
      await t.test('with it', (t) =>
        convertsReal(t, version, {
          ...{
            with: ['etcd-localhost'],
            file: () => ({ availabilityBudgetSeconds: 60, policy: [letsListen, accepts] }),
          },
          etcdPauses: true,
          undone: true,
        }),
      )
    },
  },
}

const manifest = '/etc/kubernetes/manifests/etcd.yaml'
const text = (cluster: SimulatedCluster, path: string): string =>
  readFileSync(join(cluster.node('cp1').root, path), 'utf8')

/** Nothing of etcd is for anybody but its own node: flags, peer URL, certificates. */
async function shutIn(cluster: SimulatedCluster): Promise<void> {
  const { name: node, address } = cluster.node('cp1')
  const write = (path: string, content: string) => cluster.control.ask('writeFile', { node, path, text: content })
  const pki = '/etc/kubernetes/pki/etcd'
  const ca = { cert: text(cluster, `${pki}/ca.crt`), key: text(cluster, `${pki}/ca.key`) }
  for (const name of ['server', 'peer']) {
    const names = { dnsNames: [node, 'localhost'], ipAddresses: ['127.0.0.1', '::1'] }
    const made = issue({ commonName: node, usage: 'both', ...names }, await newKey(), ca)
    await write(`${pki}/${name}.key`, made.key)
    await write(`${pki}/${name}.crt`, made.cert)
  }
  await write(
    manifest,
    text(cluster, manifest)
      .replace(`,https://${address}:2379`, '')
      .replaceAll(`https://${address}:2380`, 'https://127.0.0.1:2380')
      .replace(`--advertise-client-urls=https://${address}:2379`, '--advertise-client-urls=https://127.0.0.1:2379'),
  )
  await cluster.control.ask('updateEtcdMember', { peerUrl: 'https://127.0.0.1:2380' })
  await until('etcd to run with them', () => runsSo(cluster), { deadlineMs: 60_000, everyMs: 200 })
}

/** Started again and told to the API, after which nothing changes by itself. */
async function runsSo({ control }: SimulatedCluster): Promise<Look<true>> {
  const objects = await control.ask<Record<string, object>>('dump')
  const pod = Object.entries(objects).find(([key]) => key.includes('/etcd-k8smaster1'))
  return JSON.stringify(pod).includes('--listen-client-urls=https://127.0.0.1:2379"')
    ? holds(true)
    : notYet('its pod has the flags of before')
}

function listens(t: Test, cluster: SimulatedCluster): void {
  const { address } = cluster.node('cp1')
  const flags = text(cluster, manifest)
  t.match(flags, `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`)
  t.match(flags, `--initial-advertise-peer-urls=https://${address}:2380`)
  t.match(flags, `etcd.advertise-client-urls: https://${address}:2379`, 'where kubeadm of a joiner looks for it')
}
