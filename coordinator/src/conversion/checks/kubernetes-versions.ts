import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { compareVersions, parseVersion } from '@quorate/shared/kubernetes-version'
import { installRelease } from '@quorate/shared/package-manager'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'kubernetes-versions'

/** kubeadm takes the cluster's version from kubeadm-config and refuses a kubelet that is newer than the API server (version skew policy). */
export const kubernetesVersions: Check = {
  id,
  title: 'kubeadm and kubelet match the version of the cluster',
  async check(run) {
    const cluster = (await run.clusterFacts()).kubernetesVersion
    const joining = await toJoin(run)
    const findings = await Promise.all(
      run.controlPlanes.map(async (node) => {
        const facts = await run.nodeFacts(node)
        return joining.includes(node) ? ofJoiner(node, facts, cluster) : ofMember(node, facts, cluster)
      }),
    )
    return [...findings.flat(), ...(await newerWorkers(run, cluster))]
  },
}

function ofJoiner(node: NodeEntry, facts: NodeFacts, cluster: string): Finding[] {
  return [...wanted(node, facts, 'kubeadm', cluster), ...wanted(node, facts, 'kubelet', cluster)]
}

function wanted(node: NodeEntry, facts: NodeFacts, program: 'kubeadm' | 'kubelet', cluster: string): Finding[] {
  const version = program === 'kubeadm' ? facts.kubeadmVersion : facts.kubeletVersion
  if (version === cluster) return []
  const what = version === '' ? `${program} is not installed` : `${program} is ${version}, the cluster is ${cluster}`
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `${what}: a control plane joins with exactly the cluster's version`,
      evidence: `${program} ${version || '(none)'}; API server ${cluster}`,
      remedy: install(facts, program, cluster),
    },
  ]
}

/** The control planes that exist run kubeadm for the certificate and its upload: the same minor version is what they need. */
function ofMember(node: NodeEntry, facts: NodeFacts, cluster: string): Finding[] {
  const version = facts.kubeadmVersion
  if (version !== '' && sameMinor(version, cluster)) return []
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `kubeadm ${version || 'is not installed'}: the API server's certificate must be created with a kubeadm of the cluster's minor version`,
      evidence: `kubeadm ${version || '(none)'}; API server ${cluster}`,
      remedy: install(facts, 'kubeadm', cluster),
    },
  ]
}

async function newerWorkers(run: ConversionRun, cluster: string): Promise<Finding[]> {
  const workers = await Promise.all(run.workers.map(async (node) => ({ node, facts: await run.nodeFacts(node) })))
  return workers
    .map((worker) => ({ ...worker, version: worker.facts.kubeletVersion }))
    .filter(({ version }) => version !== '' && compareVersions(version, cluster) > 0 && !sameMinor(version, cluster))
    .map(({ node, facts, version }) => ({
      id,
      severity: 'warning' as const,
      node: node.name,
      message: `the kubelet is newer than the API server, which the version skew policy does not allow`,
      evidence: `kubelet ${version}; API server ${cluster}`,
      remedy: `Upgrade the control plane first, or downgrade: ${install(facts, 'kubelet', cluster)}`,
    }))
}

function sameMinor(a: string, b: string): boolean {
  const [left, right] = [parseVersion(a), parseVersion(b)]
  return left.major === right.major && left.minor === right.minor
}

const install = ({ machine }: NodeFacts, program: string, version: string): string =>
  `On that node: ${installRelease(machine, program, version)}`
