import { readFileSync, statSync } from 'node:fs'
import type { Test } from 'tap'
import { parse } from 'yaml'
import type { Lab } from '../../../lab/real/lab.js'
import type { LabNode } from '../../../lab/real/machines/node.js'
import { sharedPaths } from '../../../lab/real/pieces/shared-files.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts, refuses } from '../assertions.js'
import { sharedFiles as init } from '../control-plane-wishes.js'
import { convertsReal } from '../real-assertions.js'
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
  note: 'Files behind extraArgs and extraVolumes, and the patches of /etc/kubernetes/patches, are copied before the joins: sealed, owned by root and without execute bits.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, { site: { kubernetesVersion, init }, looks: (cluster) => looksAlike(t, cluster), undone: true }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, { with: ['shared-files'], looks: (lab) => alikeReal(t, lab), undone: true }),
  },
}

/** The same files with mode and owner; an encrypted Secret is read through every API server; the patch was applied. */
async function alikeReal(t: Test, lab: Lab): Promise<void> {
  const seen = (node: LabNode) =>
    node.must(['sh', '-c', `sha256sum ${sharedPaths.join(' ')}; stat -c '%n %a %U:%G' ${sharedPaths.join(' ')}`])
  const [cp1, ...joined] = lab.controlPlanes as [LabNode, ...LabNode[]]
  await cp1.must(['kubectl', 'create', 'secret', 'generic', 'quorate-sealed', '--from-literal=word=open'])
  for (const node of joined) {
    t.equal(await seen(node), await seen(cp1), `${node.spec.short} has the files of the first`)
    t.match(await node.must(['cat', '/etc/kubernetes/manifests/kube-scheduler.yaml']), 'cpu: 50m')
    const server = `--server=https://${node.address}:6443`
    const word = ['kubectl', server, 'get', 'secret', 'quorate-sealed', '-o', 'jsonpath={.data.word}']
    t.equal(
      await node.must(word),
      Buffer.from('open').toString('base64'),
      `${node.spec.short} reads what cp1 encrypted`,
    )
  }
  await cp1.must(['kubectl', 'delete', 'secret', 'quorate-sealed'])
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

/** Ids of the API server's containers that run. */
const running = async (cluster: SimulatedCluster, node: string): Promise<string[]> => {
  const all = await cluster.control.ask<{ id: string; name: string; running: boolean }[]>('containers', { node })
  return all.filter((one) => one.name === 'kube-apiserver' && one.running).map(({ id }) => id)
}

const readyz = async (cluster: SimulatedCluster): Promise<number> => {
  const asked = cluster.control.ask<{ status: number }>('kube', { method: 'GET', path: '/readyz' })
  return (await asked.catch(() => ({ status: 0 }))).status
}

export const editedManifest: Scenario = {
  id: 'manifest-edited-by-hand',
  title: 'encryption of Secrets switched on in the manifest alone',
  group: 'control plane',
  outcome: 'refused',
  note: 'The joiners would run without it and could not read a Secret; the finding says how kubeadm is told.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'control-planes-alike', {
        site: { kubernetesVersion },
        prepare: async (cluster) => {
          const { name: node, root } = cluster.node('cp1')
          const path = '/etc/kubernetes/manifests/kube-apiserver.yaml'
          await cluster.control.ask('writeFile', {
            node,
            path: '/etc/kubernetes/pki/encryption.yaml',
            text: 'kind: EncryptionConfiguration\n',
          })
          const text = readFileSync(root + path, 'utf8').replace(
            '- kube-apiserver\n',
            '- kube-apiserver\n    - --encryption-provider-config=/etc/kubernetes/pki/encryption.yaml\n',
          )
          const [before] = await running(cluster, node)
          await cluster.control.ask('writeFile', { node, path, text })
          while ((await running(cluster, node))[0] === before || (await readyz(cluster)) !== 200)
            await new Promise((resolve) => setTimeout(resolve, 50))
        },
      }),
  },
}
