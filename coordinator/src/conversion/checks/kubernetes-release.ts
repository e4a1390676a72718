import { parseVersion } from '@quorate/shared/kubernetes-version'
import { knowledgeOf, knownReleases } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import type { Check } from './check.js'

const id = 'kubernetes-release'
const { oldest, newest } = knownReleases

/**
 * What kubeadm of a release does is known for some (docs/versions.md). A newer one is not refused because of its number: kubeadm is asked. An older one is:
 * kubeadm there has other configurations, checks and phases, and it cannot be asked what it will do.
 */
export const kubernetesRelease: Check = {
  id,
  title: 'Quorate supports this Kubernetes release',
  beside: 'The behavior of an unknown kubeadm release cannot be predicted.',
  async check(run) {
    const { kubernetesVersion: version } = await run.clusterFacts()
    if (version === '') return []
    const knowledge = knowledgeOf(version)
    if (knowledge === 'older') return [ofOlder(version)]
    if (knowledge === 'known') return []
    return [ofNewer(version, (await run.nodeFacts(run.first)).kubeadmConfigApi)]
  },
}

const ofOlder = (version: string): Finding => ({
  id,
  severity: 'error',
  message: `Kubernetes ${version} is older than ${oldest}, the first release that Quorate supports`,
  evidence: `API server ${version}; supported: ${oldest} to ${newest}`,
  remedy: `Upgrade the cluster to ${oldest} or later first, one minor release at a time: kubeadm upgrade plan`,
})

function ofNewer(version: string, api: string): Finding {
  const { major, minor } = parseVersion(version)
  return {
    id,
    severity: 'warning',
    message: `Kubernetes ${major}.${minor} is newer than ${newest}, the last release that Quorate knows: it applies the rules of ${newest} and the configuration API that kubeadm accepts`,
    evidence: `API server ${version}; kubeadm config validate accepted: ${api || 'none that Quorate writes'}`,
    remedy: `Look for a newer Quorate first. Otherwise read the kubeadm changes since ${newest} and continue: each step is verified before the next.`,
  }
}
