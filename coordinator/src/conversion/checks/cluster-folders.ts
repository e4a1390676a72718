import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { foldersOf, movedFolders, usualManifests } from '../facts/cluster-folders.js'
import { sharedKubeletConfig } from '../facts/component-configs.js'
import { existingNodes } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'cluster-folders'

/** kubeadm reads its folders from kubeadm-config, what runs has them in its manifests: if the two differ, joiners get another layout (kubeadm#3044). */
export const clusterFolders: Check = {
  id,
  title: 'Certificates, etcd data and static pods are where kubeadm-config and kubelet-config say',
  beside: 'kubeadm keeps its files where its configuration says: nothing fails while that and the manifests agree.',
  async check(run) {
    const existing = await existingNodes(run)
    const controlPlanes = run.controlPlanes.filter((node) => existing.includes(node))
    const refused = await Promise.all(run.nodes.map((node) => ofRefused(run, node)))
    const moved = await Promise.all(controlPlanes.map((node) => ofMoved(run, node)))
    return [...refused.flat(), ...moved.flat(), ...(await ofKubelets(run))]
  },
}

/** Which error of the agent its finding stands for; the evidence is the error's message. */
export const folderRefused = { id, code: 'FOLDER_REFUSED' } as const

async function ofRefused(run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const { problem } = foldersOf(await run.nodeFacts(node))
  if (problem === '') return []
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `the agent refuses a folder of this cluster: ${problem}`,
      evidence: problem,
      remedy:
        'Move the folder below one that only root can write to (chown root, chmod go-w each folder above it), and name it in certificatesDir, etcd.local.dataDir or staticPodPath and in the static pod manifests.',
    },
  ]
}

async function ofMoved(run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const facts = await run.nodeFacts(node)
  const configuration = await clusterConfiguration(run)
  return (configuration === undefined ? [] : movedFolders(configuration, facts)).map(({ field, said, used }) => ({
    id,
    severity: 'error',
    node: node.name,
    message: `kubeadm-config says ${field}: ${said}, and this control plane uses ${used}: kubeadm looks in the wrong folder`,
    evidence: `configmap kubeadm-config: ${field}: ${said}; manifests of ${node.name}: ${used}`,
    remedy: `kubectl -n kube-system edit configmap kubeadm-config, and set ${field}: ${used}`,
  }))
}

/** kubeadm writes static pods to its own folder alone (app/constants, GetStaticPodDirectory): a joiner's kubelet must read that one. */
async function ofKubelets(run: ConversionRun): Promise<Finding[]> {
  const { staticPodPath } = sharedKubeletConfig(await run.clusterFacts())?.value ?? {}
  const path = (typeof staticPodPath === 'string' ? staticPodPath : '').replace(/(?!^)\/+$/, '')
  if (path === '' || path === usualManifests) return []
  return [
    {
      id,
      severity: 'error',
      message: `kubelet-config gives joiners staticPodPath: ${path}, and kubeadm writes their static pods to ${usualManifests}: no control plane would start`,
      evidence: `configmap kubelet-config: staticPodPath: ${path}`,
      remedy: `kubectl -n kube-system edit configmap kubelet-config, and set staticPodPath: ${usualManifests}. Running kubelets keep their own file.`,
    },
  ]
}
