import { compareVersions, type KubernetesVersion, parseVersion } from './kubernetes-version.js'

/** One thing that is so in some releases of Kubernetes and not in others. */
export interface VersionRule {
  /** What is so, as docs/versions.md says it. */
  readonly says: string
  /** First release; or, where patch releases brought it, the first of each minor, of which the last is for all that follow. Unset: ever since. */
  readonly from?: string | readonly string[]
  /** Last minor release in which it is so. */
  readonly until?: string
  /** Who says so: a change, an issue, or a file of kubeadm's source. */
  readonly source: string
}

/** The releases whose rules are known: what kubeadm's sources from 1.28.15 to 1.37.2 say. */
export const knownReleases = { oldest: '1.28', newest: '1.37' } as const

/** The whole of what is known of releases: one line each. Whoever depends on a release asks for one of these by its name. */
export const versionRules = {
  'config-v1beta3': {
    says: 'kubeadm reads the configuration API v1beta3',
    until: '1.36',
    source: 'cmd/kubeadm/app/util/config/common.go (1.37: "only v1beta4 config")',
  },
  'config-v1beta4': {
    says: 'kubeadm reads and stores the configuration API v1beta4',
    from: '1.31',
    source: 'kubernetes/kubernetes#125029',
  },
  'crictl-needed': {
    says: 'kubeadm does not join without crictl in PATH',
    until: '1.30',
    source: 'cmd/kubeadm/app/preflight/checks_linux.go (1.31: not mandatory, 1.32: gone)',
  },
  'cgroup-v1-refused': {
    says: 'the kubelet does not start on cgroup v1 unless failCgroupV1 is false, and kubeadm not unless SystemVerification is ignored',
    from: '1.35',
    source: 'kubernetes/system-validators#58, kubernetes-sigs/kubespray#13090',
  },
  'cgroup-driver-from-runtime': {
    says: 'the kubelet takes its cgroup driver from the container runtime, where that can say it (KubeletCgroupDriverFromCRI on by default)',
    from: '1.31',
    source: 'kubernetes/enhancements#4033, pkg/features/kube_features.go',
  },
  'super-admin': {
    says: 'the first control plane has a super-admin.conf, and admin.conf is no longer of system:masters',
    from: '1.29',
    source: 'cmd/kubeadm/app/phases/kubeconfig/kubeconfig.go, kube-vip/kube-vip#684',
  },
  'components-local': {
    says: 'kubeadm points controller-manager and scheduler at the API server of their own node',
    from: '1.20',
    source: 'kubernetes/kubernetes#94398, kubernetes/kubeadm#2271',
  },
  'kubelet-needs-local': {
    says: 'a kubelet breaks on an API server that is older than itself, as a load balancer may give it during an upgrade',
    from: '1.31',
    source: 'kube-vip/kube-vip#949, kubernetes/kubernetes#127316',
  },
  'kubelet-local-mode': {
    says: 'kubeadm joins control planes with their kubelet on its own API server, and its upgrade points others there (ControlPlaneKubeletLocalMode on by default)',
    from: '1.33',
    source: 'kubernetes/kubernetes#125582 (KEP-4471), kubernetes/kubeadm#3243',
  },
  'kubelet-local-mode-locked': {
    says: 'no feature gate turns that off',
    from: '1.35',
    source: 'kubernetes/kubernetes#134106',
  },
  'etcd-learner-gate': {
    says: 'the feature gate EtcdLearnerMode makes a new etcd member learn before it votes',
    from: '1.27',
    until: '1.31',
    source: 'kubernetes/kubernetes#113318',
  },
  'etcd-learner-mode': {
    says: 'a new etcd member learns before it votes, unless that gate is set to false',
    from: '1.29',
    source: 'kubernetes/kubernetes#120228',
  },
  'etcd-learner-always': {
    says: 'a new etcd member always learns before it votes',
    from: '1.32',
    source: 'kubernetes/kubernetes#126374',
  },
  'etcd-fix/already-promoted': {
    says: 'kubeadm sees that a learner it goes on promoting has its vote already',
    from: ['1.31.11', '1.32.7', '1.33.3', '1.34.0'],
    source: 'kubernetes/kubernetes#130782 and its cherry picks #132280 to #132282',
  },
  'etcd-fix/learner-started': {
    says: 'kubeadm waits until a learner has started before it promotes it',
    from: ['1.32.12', '1.33.8', '1.34.4', '1.35.1'],
    source: 'kubernetes/kubernetes#136014 and its cherry picks #136348, #136364 to #136366',
  },
  'etcd-fix/learner-not-asked': {
    says: 'kubeadm does not ask the learner itself, which answers no client, for its promotion',
    from: ['1.33.10', '1.34.6', '1.35.3', '1.36.0'],
    source: 'kubernetes/kubernetes#137251 and its cherry picks #137257 to #137259, kubernetes/kubeadm#3287',
  },
  'gate-gone/ControlPlaneKubeletLocalMode': {
    says: 'kubeadm refuses a configuration that names the feature gate ControlPlaneKubeletLocalMode',
    from: '1.36',
    source: 'cmd/kubeadm/app/features/features.go',
  },
  'gate-gone/EtcdLearnerMode': {
    says: 'kubeadm refuses a configuration that names the feature gate EtcdLearnerMode',
    from: '1.33',
    source: 'cmd/kubeadm/app/features/features.go',
  },
  'gate-gone/NodeLocalCRISocket': {
    says: 'kubeadm refuses a configuration that names the feature gate NodeLocalCRISocket',
    from: '1.37',
    source: 'cmd/kubeadm/app/features/features.go',
  },
  'gate-gone/PublicKeysECDSA': {
    says: 'kubeadm refuses a configuration that names the feature gate PublicKeysECDSA',
    from: '1.37',
    source: 'cmd/kubeadm/app/features/features.go',
  },
  'gate-gone/UnversionedKubeletConfigMap': {
    says: 'kubeadm refuses a configuration that names the feature gate UnversionedKubeletConfigMap',
    from: '1.26',
    source: 'cmd/kubeadm/app/features/features.go',
  },
  'gate-gone/UpgradeAddonsBeforeControlPlane': {
    says: 'kubeadm refuses a configuration that names the feature gate UpgradeAddonsBeforeControlPlane',
    from: '1.31',
    source: 'cmd/kubeadm/app/features/features.go',
  },
  'gate-gone/WaitForAllControlPlaneComponents': {
    says: 'kubeadm refuses a configuration that names the feature gate WaitForAllControlPlaneComponents',
    from: '1.35',
    source: 'cmd/kubeadm/app/features/features.go',
  },
} as const satisfies Record<string, VersionRule>

export type VersionRuleName = keyof typeof versionRules

const rules: Readonly<Record<VersionRuleName, VersionRule>> = versionRules

/** Names of the rules of one family: `etcd-fix/`. */
export function rulesOf<Family extends `${string}/`>(family: Family): Extract<VersionRuleName, `${Family}${string}`>[] {
  return Object.keys(rules).filter((name): name is Extract<VersionRuleName, `${Family}${string}`> =>
    name.startsWith(family),
  )
}

/** First releases in which a rule holds, one of each minor that differs; none: it held ever since. */
export function firstReleases(name: VersionRuleName): readonly string[] {
  const { from = [] } = rules[name]
  return typeof from === 'string' ? [from] : from
}

const minorOf = (version: string | KubernetesVersion): number =>
  (typeof version === 'string' ? parseVersion(version) : version).minor

/** Whether a rule holds in that release (`v1.34.4`). For one that is newer than all that are known, what held in the newest holds. */
export function holds(name: VersionRuleName, version: string): boolean {
  const { until } = rules[name]
  const parsed = parseVersion(version)
  if (until !== undefined && compareVersions({ ...parsed, patch: 0 }, until) > 0) return false
  const first = firstReleases(name)
  const own = first.find((one) => minorOf(one) === parsed.minor) ?? first.at(-1)
  return own === undefined || compareVersions(parsed, own) >= 0
}

/** Where a release stands to those whose rules are known. */
export function knowledgeOf(version: string): 'older' | 'known' | 'newer' {
  const minor = { ...parseVersion(version), patch: 0 }
  if (compareVersions(minor, knownReleases.oldest) < 0) return 'older'
  return compareVersions(minor, knownReleases.newest) > 0 ? 'newer' : 'known'
}
