import { parseVersion } from '@quorate/shared/kubernetes-version'
import { toJoin } from '../membership.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'etcd-learner-fixes'
/** First patch release of each minor whose kubeadm waits until a learner has started before it promotes it (kubernetes#136014 and its cherry picks). */
const fixedIn: Readonly<Record<number, number>> = { 32: 12, 33: 8, 34: 4, 35: 1 }

export const etcdLearnerFixes: Check = {
  id,
  title: "The joiners' kubeadm waits for a learner before it promotes it",
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes
      .filter(({ facts: { kubeadmVersion: version } }) => isAffected(version))
      .map(
        ({ name, facts: { kubeadmVersion: version } }): Finding => ({
          id,
          severity: 'warning',
          node: name,
          message: `kubeadm ${version} may try to promote an etcd learner that has not started, and give up after two minutes (kubernetes#136014)`,
          evidence: `kubeadm ${version}; fixed in v1.${parseVersion(version).minor}.${fixedIn[parseVersion(version).minor]}`,
          remedy:
            'On slow disks upgrade the cluster to the fixed patch release first. Quorate gives the join a longer time for etcd where kubeadm takes one.',
        }),
      )
  },
}

function isAffected(version: string): boolean {
  if (version === '') return false
  const { major, minor, patch } = parseVersion(version)
  const fixed = fixedIn[minor]
  return major === 1 && fixed !== undefined && patch < fixed
}
