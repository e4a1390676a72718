import { readFileSync, statSync } from 'node:fs'
import type { Test } from 'tap'
import { parse } from 'yaml'
import type { SimulatedCluster } from '../../../../lab/simulated/cluster.js'
import { converts } from '../assertions.js'
import { sharedFiles as init } from '../control-plane-wishes.js'
import type { Scenario } from '../scenario.js'

const joiners = ['cp2', 'cp3']

/** Each file that the first control plane was made with is on both joiners, byte for byte, with its mode and its owner. */
function sameOnAll(t: Test, cluster: SimulatedCluster): void {
  for (const path of Object.keys(init.files ?? {})) {
    const [first, ...others] = ['cp1', ...joiners].map((name) => cluster.node(name).root + path)
    const seen = (file = '') => {
      const { mode, uid, gid } = statSync(file)
      return { text: readFileSync(file, 'utf8'), mode, uid, gid }
    }
    for (const other of others) t.same(seen(other), seen(first), other)
  }
}

export const sharedFiles: Scenario = {
  id: 'shared-files',
  title: 'audit policy, encryption configuration and a kubeadm patch',
  group: 'control plane',
  outcome: 'converted',
  note: 'Files behind extraArgs and extraVolumes, and the patches of /etc/kubernetes/patches, are copied before the joins: sealed, with mode and owner.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, { site: { kubernetesVersion, init }, looks: (cluster) => looksAlike(t, cluster), undone: true }),
  },
}

function looksAlike(t: Test, cluster: SimulatedCluster): void {
  sameOnAll(t, cluster)
  for (const name of joiners) {
    const manifest = (component: string): string =>
      readFileSync(`${cluster.node(name).root}/etc/kubernetes/manifests/${component}.yaml`, 'utf8')
    for (const [flag, value] of Object.entries(init.apiServerArgs ?? {}))
      t.match(manifest('kube-apiserver'), `--${flag}=${value}`)
    const { cpu } = parse(manifest('kube-scheduler')).spec.containers[0].resources.requests
    t.equal(cpu, '50m', `${name}: the patch was applied`)
  }
}
