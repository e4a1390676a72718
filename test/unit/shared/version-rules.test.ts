import {
  firstReleases,
  holds,
  knowledgeOf,
  knownReleases,
  rulesOf,
  type VersionRuleName,
  versionRules,
} from '@quorate/shared/version-rules'
import t from 'tap'

/** The last release in which a rule does not hold yet or no longer, and the first one beside it in which it does. */
const edges: readonly (readonly [rule: VersionRuleName, holds: string, not: string | undefined])[] = [
  ['config-v1beta3', 'v1.36.9', 'v1.37.0'],
  ['config-v1beta4', 'v1.31.0', 'v1.30.14'],
  ['crictl-needed', 'v1.30.14', 'v1.31.0'],
  ['cgroup-v1-refused', 'v1.35.0', 'v1.34.9'],
  ['cgroup-driver-from-runtime', 'v1.31.0', 'v1.30.14'],
  ['super-admin', 'v1.29.0', 'v1.28.15'],
  ['components-local', 'v1.28.0', 'v1.19.16'],
  ['kubelet-needs-local', 'v1.31.0', 'v1.30.14'],
  ['kubelet-local-mode', 'v1.33.0', 'v1.32.13'],
  ['kubelet-local-mode-locked', 'v1.35.0', 'v1.34.9'],
  ['etcd-learner-gate', 'v1.31.14', 'v1.32.0'],
  ['etcd-learner-gate', 'v1.27.0', 'v1.26.9'],
  ['etcd-learner-mode', 'v1.29.0', 'v1.28.15'],
  ['etcd-learner-always', 'v1.32.0', 'v1.31.14'],
  ['etcd-fix/already-promoted', 'v1.31.11', 'v1.31.10'],
  ['etcd-fix/already-promoted', 'v1.32.7', 'v1.32.6'],
  ['etcd-fix/already-promoted', 'v1.33.3', 'v1.33.2'],
  ['etcd-fix/already-promoted', 'v1.34.0', 'v1.30.14'],
  ['etcd-fix/learner-started', 'v1.32.12', 'v1.32.11'],
  ['etcd-fix/learner-started', 'v1.33.8', 'v1.33.7'],
  ['etcd-fix/learner-started', 'v1.34.4', 'v1.34.3'],
  ['etcd-fix/learner-started', 'v1.35.1', 'v1.35.0'],
  ['etcd-fix/learner-started', 'v1.36.0', 'v1.31.14'],
  ['etcd-fix/learner-not-asked', 'v1.33.10', 'v1.33.9'],
  ['etcd-fix/learner-not-asked', 'v1.34.6', 'v1.34.5'],
  ['etcd-fix/learner-not-asked', 'v1.35.3', 'v1.35.2'],
  ['etcd-fix/learner-not-asked', 'v1.36.0', 'v1.32.13'],
  ['gate-gone/ControlPlaneKubeletLocalMode', 'v1.36.0', 'v1.35.9'],
  ['gate-gone/EtcdLearnerMode', 'v1.33.0', 'v1.32.13'],
  ['gate-gone/NodeLocalCRISocket', 'v1.37.0', 'v1.36.3'],
  ['gate-gone/PublicKeysECDSA', 'v1.37.0', 'v1.36.3'],
  ['gate-gone/UnversionedKubeletConfigMap', 'v1.28.0', 'v1.25.9'],
  ['gate-gone/UpgradeAddonsBeforeControlPlane', 'v1.31.0', 'v1.30.14'],
  ['gate-gone/WaitForAllControlPlaneComponents', 'v1.35.0', 'v1.34.9'],
]

t.test('each rule holds where it says, and not beside it', async (t) => {
  for (const [rule, in_, out] of edges) {
    t.ok(holds(rule, in_), `${rule} in ${in_}`)
    if (out !== undefined) t.notOk(holds(rule, out), `${rule} not in ${out}`)
  }
  t.same([...new Set(edges.map(([rule]) => rule))].sort(), Object.keys(versionRules).sort(), 'each has an edge here')
})

t.test('a release that is newer than all goes by the newest; one that is none is refused', async (t) => {
  for (const rule of Object.keys(versionRules) as VersionRuleName[])
    t.equal(holds(rule, 'v1.40.1'), holds(rule, `v${knownReleases.newest}.9`), rule)
  t.throws(() => holds('super-admin', ''), { code: 'INVALID_REQUEST' })
})

t.test('what is known of a release', async (t) => {
  for (const version of ['v1.28.0', 'v1.28.15', 'v1.34.4', 'v1.37.0', 'v1.37.99', 'v1.37.0-rc.1'])
    t.equal(knowledgeOf(version), 'known', version)
  for (const version of ['v1.38.0', 'v1.40.1', 'v2.0.0']) t.equal(knowledgeOf(version), 'newer', version)
  for (const version of ['v1.27.16', 'v1.9.0', 'v0.4.1']) t.equal(knowledgeOf(version), 'older', version)
})

t.test('rules of a family, and where they begin', async (t) => {
  t.same(rulesOf('etcd-fix/'), ['etcd-fix/already-promoted', 'etcd-fix/learner-started', 'etcd-fix/learner-not-asked'])
  t.same(firstReleases('super-admin'), ['1.29'])
  t.same(firstReleases('crictl-needed'), [])
})
