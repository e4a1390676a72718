import { parseVersion } from '@quorate/shared/kubernetes-version'
import { knowledgeOf, knownReleases } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import type { Check } from './check.js'

const id = 'kubernetes-release'
const { oldest, newest } = knownReleases

/**
 * What kubeadm of a release does is known for some (docs/versions.md). A newer one is not refused for its number: it is asked. An older one is:
 * kubeadm there has other configurations, checks and phases, and nobody can ask it what it will do.
 */
export const kubernetesRelease: Check = {
  id,
  title: 'Kubernetes is of a release that is known here',
  beside: 'What kubeadm of an unknown release does cannot be foreseen: no thread, a limit of what is known.',
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
  message: `Kubernetes ${version} is older than ${oldest}, the first release whose kubeadm is known here: what its join checks, writes and lets vote is not`,
  evidence: `API server ${version}; known: ${oldest} to ${newest}`,
  remedy: `Upgrade the cluster to ${oldest} or later first, one minor release at a time: kubeadm upgrade plan`,
})

function ofNewer(version: string, api: string): Finding {
  const { major, minor } = parseVersion(version)
  return {
    id,
    severity: 'warning',
    message: `Kubernetes ${major}.${minor} is newer than ${newest}, the last release that is known here: the rules of ${newest} are gone by, and kubeadm was asked which configuration it takes`,
    evidence: `API server ${version}; kubeadm config validate took: ${api || 'none that can be written here'}`,
    remedy: `Look for a newer Quorate first. Else read the changes of kubeadm since ${newest} and go on: each step is proved before the next.`,
  }
}
