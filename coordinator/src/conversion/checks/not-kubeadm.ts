import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'not-kubeadm'
const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']

/** The first check: if it finds an error, the others have no cluster to read. */
export const notKubeadm: Check = {
  id,
  title: 'The cluster was created by kubeadm',
  beside: 'Another distribution keeps its cluster files elsewhere: Quorate cannot convert it.',
  async check(run) {
    const facts = await withFacts(run, run.nodes)
    const others = facts.flatMap(({ name, facts }) => ofOtherDistribution(name, facts))
    const first = await run.nodeFacts(run.first)
    const controlPlanes = await withFacts(run, run.controlPlanes)
    const unreadable = controlPlanes.flatMap(({ name, facts }) => unreadableManifests(name, facts))
    const missing = [...unreadable, ...missingManifests(run.first.name, first)]
    if (others.length > 0 || missing.length > 0) return [...others, ...missing]
    return ofConfigMaps(run)
  },
}

function ofOtherDistribution(node: string, facts: NodeFacts): Finding[] {
  if (facts.otherDistribution === '') return []
  return [
    {
      id,
      severity: 'error',
      node,
      message: `${facts.otherDistribution} is on this node; Quorate converts only clusters created by kubeadm`,
      evidence: facts.otherDistribution,
      remedy: `See the documentation of ${facts.otherDistribution} for its high availability procedure. If it is a leftover, uninstall it.`,
    },
  ]
}

/** They run and were created by kubeadm, but Quorate cannot read them or would not write them. */
function unreadableManifests(node: string, { manifestProblems }: NodeFacts): Finding[] {
  return manifestProblems.map(({ path, component, problem, remedy, linkTarget }): Finding => {
    const isLink = linkTarget !== ''
    return {
      ...{ id, severity: 'error', node },
      message: isLink
        ? `the manifest of ${component} is a symbolic link; Quorate does not follow links when it writes`
        : `the manifest of ${component} cannot be read as the kubelet reads it`,
      evidence: isLink ? `${path} -> ${linkTarget}` : problem.startsWith(path) ? problem : `${path}: ${problem}`,
      remedy: isLink
        ? `On that node, replace the link with the file. The content does not change, so the pod is not restarted: cp --remove-destination "$(readlink -f ${path})" ${path}`
        : `${remedy} Until then the running pod is from an earlier version of the file.`,
    }
  })
}

function missingManifests(node: string, facts: NodeFacts): Finding[] {
  const seen = new Set([...facts.staticPods, ...facts.manifestProblems].map(({ component }) => component))
  const missing = components.filter((component) => !seen.has(component))
  if (missing.length === 0) return []
  return [
    {
      id,
      severity: 'error',
      node,
      message: 'the first control plane does not have the static pods that kubeadm creates',
      evidence: `no manifest of ${missing.join(', ')} in ${foldersOf(facts).manifests}`,
      remedy:
        'Name the existing control plane first in the cluster file. A cluster whose components do not run as static pods was not created by kubeadm and cannot be converted.',
    },
  ]
}

async function ofConfigMaps(run: ConversionRun): Promise<Finding[]> {
  const { kubeadmConfig, clusterInfo } = await run.clusterFacts()
  const wanted = { 'kube-system/kubeadm-config': kubeadmConfig, 'kube-public/cluster-info': clusterInfo }
  return Object.entries(wanted)
    .filter(([, map]) => map?.present !== true)
    .map(([name]) => ({
      id,
      severity: 'error',
      message: `the ConfigMap ${name} is missing: kubeadm join reads it`,
      evidence: `configmap ${name}: not found`,
      remedy:
        name === 'kube-system/kubeadm-config'
          ? 'If the cluster was created by kubeadm, upload its configuration again: kubeadm init phase upload-config kubeadm --config FILE'
          : 'On the first control plane: kubeadm init phase bootstrap-token',
    }))
}
