import { readFileSync } from 'node:fs'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import { listensForAll } from '../../../../lab/real/pieces/etcd-localhost.js'
import type { SimulatedCluster } from '../../../../lab/simulated/cluster.js'
import { refuses } from '../assertions.js'
import { refusesReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

export const etcdLocalhost: Scenario = {
  id: 'etcd-localhost',
  title: 'etcd that listens on localhost alone, as clusters born before 1.13 have it',
  group: 'etcd',
  outcome: 'refused',
  note: 'A second member could not reach it (kubeadm#1950); the finding says which flags and certificates to change, which costs one restart of etcd.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'etcd listens on port 2379 for this node alone', {
        site: { kubernetesVersion },
        prepare: async (cluster) => {
          const { name: node, root, address } = cluster.node('cp1')
          const path = '/etc/kubernetes/manifests/etcd.yaml'
          const text = readFileSync(root + path, 'utf8')
            .replace(`,https://${address}:2379`, '')
            .replace(
              `--advertise-client-urls=https://${address}:2379`,
              '--advertise-client-urls=https://127.0.0.1:2379',
            )
          await cluster.control.ask('writeFile', { node, path, text })
          await until('etcd to run with them', () => runsSo(cluster), { deadlineMs: 60_000, everyMs: 200 })
        },
      }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      refusesReal(t, version, 'etcd listens on port 2379 for this node alone', {
        with: ['etcd-localhost'],
        mended: listensForAll,
      }),
  },
}

/** Started again and told to the API, after which nothing changes by itself. */
async function runsSo({ control }: SimulatedCluster): Promise<Look<true>> {
  const objects = await control.ask<Record<string, object>>('dump')
  const pod = Object.entries(objects).find(([key]) => key.includes('/etcd-k8smaster1'))
  return JSON.stringify(pod).includes('--advertise-client-urls=https://127.0.0.1:2379')
    ? holds(true)
    : notYet('its pod has the flags of before')
}
