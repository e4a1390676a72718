import { parseVersion } from '@quorate/shared/kubernetes-version'
import { firstReleases, holds, rulesOf, versionRules } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import { learnsFirst } from '../etcd/learner-mode.js'
import { newMembers } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'etcd-learner-fixes'
const fixes = rulesOf('etcd-fix/')
type Fix = (typeof fixes)[number]

/** What kubeadm does without a fix, and what then comes of a join. */
const without: Readonly<Record<Fix, string>> = {
  'etcd-fix/already-promoted': 'it may keep promoting a member that is already a voter, and give up',
  'etcd-fix/learner-started': 'it may try to promote a learner that has not started, and give up',
  'etcd-fix/learner-not-asked': 'it may send the promotion to the learner, which answers no client, and give up',
}

/** A join that fails there can be recovered: the member list shows how far it got, and the run continues from there (recover-join). */
export const etcdLearnerFixes: Check = {
  id,
  title: "The joiners' kubeadm has no known bugs in etcd member promotion",
  async check(run) {
    const joining = await newMembers(run)
    if (joining.length === 0 || !(await learnsFirst(run))) return []
    const nodes = await withFacts(run, joining)
    return nodes.flatMap(({ name, facts }) => ofKubeadm(name, facts.kubeadmVersion))
  },
}

function ofKubeadm(node: string, version: string): Finding[] {
  const missing = version === '' ? [] : fixes.filter((fix) => !holds(fix, version))
  if (missing.length === 0) return []
  return [
    {
      id,
      severity: 'warning',
      node,
      message: `kubeadm ${version} has known bugs when it adds an etcd member: ${missing.map((fix) => without[fix]).join('; ')}`,
      evidence: `kubeadm ${version}; ${missing.map((fix) => fixedIn(fix, version)).join('; ')}`,
      remedy:
        'Upgrade the cluster to a release with the fixes first, if possible. Otherwise continue: if a join fails there, the run reads its outcome from etcd and continues from it.',
    },
  ]
}

function fixedIn(fix: Fix, version: string): string {
  const { minor } = parseVersion(version)
  const releases = firstReleases(fix)
  const own = releases.find((release) => parseVersion(release).minor === minor)
  const [change] = versionRules[fix].source.replace('kubernetes/kubernetes', 'kubernetes').split(' ')
  return own === undefined ? `${change}: in no 1.${minor}, first in v${releases[0]}` : `${change}: fixed in v${own}`
}
