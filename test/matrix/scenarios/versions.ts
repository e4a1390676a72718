import { existsSync } from 'node:fs'
import { parseVersion } from '@quorate/shared/kubernetes-version'
import { holds } from '@quorate/shared/version-rules'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { KubeObject } from '../../../lab/simulated/store.js'
import { serverIn } from '../../support/conversion-assertions.js'
import { ended, journalOf } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import type { Scenario } from '../scenario.js'

const endpoint = 'https://apiserver.example.com:8443'

/** The plan says in words where the kubelet of a control plane will point, and why. */
async function saysWhy(t: Test, cluster: SimulatedCluster, version: string): Promise<void> {
  const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, plan)
  const { major, minor } = parseVersion(version)
  const does = minor >= 31 ? 'stays on its own API server' : 'uses the load balancer'
  t.match(plan.stdout, `Chosen\n  ${major}.${minor}: the control plane's kubelet ${does}, because `)
}

/** Each file and object names whom kubeadm of that release would have it name in a cluster that was made with three control planes. */
async function pointsAsKubeadmWould(t: Test, cluster: SimulatedCluster, version: string): Promise<void> {
  for (const node of ['cp1', 'cp2', 'cp3']) {
    const own = `https://${cluster.node(node).address}:6443`
    const at = (file: string): string => serverIn(cluster, node, `/etc/kubernetes/${file}.conf`)
    t.equal(at('admin'), endpoint, `${node}: admin.conf`)
    for (const file of ['controller-manager', 'scheduler']) t.equal(at(file), own, `${node}: ${file}.conf`)
    // Up to 1.30 kubeadm joins control planes with their kubelet behind the endpoint.
    t.equal(at('kubelet'), parseVersion(version).minor >= 31 ? own : endpoint, `${node}: kubelet.conf`)
  }
  const superAdmin = '/etc/kubernetes/super-admin.conf'
  const there = holds('super-admin', version)
  t.equal(existsSync(cluster.node('cp1').root + superAdmin), there, `super-admin.conf ${there ? 'is' : 'is not'} there`)
  if (there) t.equal(serverIn(cluster, 'cp1', superAdmin), endpoint, 'super-admin.conf')
  t.equal(serverIn(cluster, 'w1', '/etc/kubernetes/kubelet.conf'), endpoint, 'w1: kubelet.conf')
  const objects = await cluster.control.ask<Record<string, KubeObject>>('dump')
  for (const [object, key] of [
    ['kube-system/kube-proxy', 'kubeconfig.conf'],
    ['kube-public/cluster-info', 'kubeconfig'],
  ] as const)
    t.match(objects[`/configmaps/${object}`]?.data?.[key], `server: ${endpoint}\n`, object)
}

/** Each release, and what is warned of because of it. */
const releases: Readonly<Record<string, readonly string[]>> = {
  'v1.37.2': [],
  'v1.28.15': ['etcd-learner-fixes'],
  'v1.29.6': ['etcd-learner-fixes'],
  'v1.30.4': ['etcd-learner-fixes'],
  'v1.31.14': ['etcd-learner-fixes'],
  'v1.32.13': ['etcd-learner-fixes'],
  'v1.33.13': [],
  'v1.34.4': ['etcd-learner-fixes'],
  'v1.35.4': [],
  'v1.36.3': [],
  // Made up: kubeadm of the one stores v1 and still reads v1beta4, that of the other reads v1 alone.
  'v1.38.0': ['kubernetes-release'],
  'v1.40.1': ['kubernetes-release'],
}

function warned(t: Test, cluster: SimulatedCluster, version: string): void {
  const findings = journalOf(cluster).find(({ kind }) => kind === 'run-started')?.findings ?? []
  const ofRelease = new Set(Object.values(releases).flat())
  const found = findings.map(({ id }) => id).filter((id) => ofRelease.has(id))
  t.same([...new Set(found)], releases[version], 'findings that are due to the release')
}

/** Two joins overlap where a new member of etcd learns first: by default, or by the gate that is set for the joins. */
function joinedAtOnce(t: Test, cluster: SimulatedCluster): void {
  const events = journalOf(cluster).filter(({ step }) => step === 'join-control-planes')
  const second = events.filter(({ kind }) => kind === 'action-started').at(-1)
  const before = events.slice(0, second === undefined ? 0 : events.indexOf(second))
  const ended = before.filter(({ kind, label }) => kind === 'operation-done' && label === 'join')
  t.equal(ended.length, 0, 'both joined at once')
}

export const versions: Scenario = {
  id: 'versions',
  title: 'Kubernetes of each minor release, and two that are newer than all that are known',
  group: 'version',
  outcome: 'converted',
  note: 'What differs is in docs/versions.md; before 1.29 EtcdLearnerMode is set in kubeadm-config while control planes join, and put back.',
  simulated: {
    versions: Object.keys(releases),
    try: async (t, kubernetesVersion) => {
      await converts(t, {
        site: { kubernetesVersion },
        prepare: (cluster) => saysWhy(t, cluster, kubernetesVersion),
        async looks(cluster) {
          await pointsAsKubeadmWould(t, cluster, kubernetesVersion)
          joinedAtOnce(t, cluster)
          warned(t, cluster, kubernetesVersion)
        },
      })
    },
  },
  everyRun: true,
}
