import { readFileSync } from 'node:fs'
import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { openSession } from '@quorate/coordinator/open-session'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { inConfigMap, inFile } from '../cases/reported/put.js'
import { clusterForTest } from '../support/simulated-cluster.js'

interface Fault {
  readonly check: string
  readonly severity: 'error' | 'warning'
  /** Short name of the node that is named. */
  readonly on?: string
  readonly evidence: RegExp
  /** Answers how it is taken out again. */
  put(cluster: SimulatedCluster): Promise<() => Promise<unknown>>
}

const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles'

/** What agents read of a node or of the API and no other test puts in: the same check on plain facts is in test/unit/coordinator/checks. */
const faults: readonly Fault[] = [
  {
    check: 'join-permissions',
    severity: 'error',
    evidence: /^role\/kube-system\/kubeadm:nodes-kubeadm-config: not found$/,
    put: async ({ control }) => {
      const name = 'kubeadm:nodes-kubeadm-config'
      await control.ask('kube', { method: 'DELETE', path: `${roles}/${name}` })
      return () => control.ask('kube', { method: 'POST', path: roles, body: { metadata: { name } } })
    },
  },
  {
    check: 'cluster-status',
    severity: 'warning',
    evidence: /advertiseAddress: 10\.0\.0\.9/,
    put: inConfigMap('kube-system', 'kubeadm-config', () => ({
      ClusterStatus: 'apiEndpoints:\n  gone:\n    advertiseAddress: 10.0.0.9\n',
    })),
  },
  {
    check: 'feature-gates',
    severity: 'error',
    evidence: /WaitForAllControlPlaneComponents/,
    put: inConfigMap('kube-system', 'kubeadm-config', (before) => ({
      ClusterConfiguration: `${before['ClusterConfiguration']}featureGates:\n  WaitForAllControlPlaneComponents: true\n`,
    })),
  },
  {
    check: 'cluster-ca',
    severity: 'error',
    evidence: /cluster-info [0-9a-f]{16}; .*ca\.crt [0-9a-f]{16}/,
    put: async (cluster) => {
      const other = readFileSync(`${cluster.node('cp1').root}/etc/kubernetes/pki/etcd/ca.crt`).toString('base64')
      return inConfigMap('kube-public', 'cluster-info', (before) => ({
        kubeconfig: (before['kubeconfig'] ?? '').replace(
          /certificate-authority-data: \S+/,
          `certificate-authority-data: ${other}`,
        ),
      }))(cluster)
    },
  },
  {
    check: 'bootstrap-signer',
    severity: 'error',
    on: 'cp1',
    evidence: /--controllers=\*,tokencleaner/,
    put: inFile('cp1', '/etc/kubernetes/manifests/kube-controller-manager.yaml', (text) =>
      text.replace('bootstrapsigner,', ''),
    ),
  },
  {
    check: 'kernel-network',
    severity: 'error',
    on: 'cp2',
    evidence: /ip_forward is not 1/,
    put: inFile('cp2', '/proc/sys/net/ipv4/ip_forward', () => '0\n'),
  },
  {
    check: 'kernel-network',
    severity: 'warning',
    on: 'cp3',
    evidence: /bridge-nf-call-iptables/,
    put: inFile('cp3', '/proc/sys/net/bridge/bridge-nf-call-iptables', () => '0\n'),
  },
  {
    check: 'cgroup-driver',
    severity: 'error',
    on: 'cp2',
    evidence: /config\.toml: cgroupfs/,
    put: inFile('cp2', '/etc/containerd/config.toml', (text) => text.replace('true', 'false')),
  },
  {
    check: 'control-plane-images',
    severity: 'warning',
    on: 'cp3',
    evidence: /^registry\.k8s\.io\/kube-apiserver:v1\.37\.2 .*etcd/,
    put: async (cluster) => {
      await cluster.control.ask('removeImages', { node: cluster.node('cp3').name })
      return () => cluster.sh('cp3', ['kubeadm', 'config', 'images', 'pull'])
    },
  },
  {
    check: 'virtual-router-id',
    severity: 'error',
    on: 'w1',
    evidence: /keepalived\.conf: virtual_router_id 100/,
    put: async (cluster) => {
      const path = '/etc/keepalived/keepalived.conf'
      const text = 'vrrp_instance ingress {\n  virtual_router_id 100\n}\n'
      const { name } = cluster.node('w1')
      await cluster.control.ask('writeFile', { node: name, path, text })
      return () => cluster.control.ask('removeFile', { node: name, path })
    },
  },
]

t.test('faults that are put in are found, named and located, one by one; before and after there is none', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { file } = await readClusterFile(cluster.clusterFile)
  const session = await openSession(cluster.stateFolder)
  const findings = async () => {
    const { findings: all } = await planConversion(session, file)
    // A machine that does other things at the same time has a slow disk; that is found in test/unit/coordinator/checks.
    return all.filter(({ severity, id }) => severity !== 'info' && id !== 'disk-latency')
  }
  t.same(await findings(), [], 'a sound cluster has none')
  for (const { check, severity, on, evidence, put } of faults) {
    await t.test(`${check}${on === undefined ? '' : ` on ${on}`}, ${severity}`, async (t) => {
      const takeOut = await put(cluster)
      const found = await findings()
      const node = on === undefined ? undefined : cluster.node(on).name
      const finding = found.find((one) => one.id === check && one.severity === severity && one.node === node)
      t.match(finding?.evidence, evidence, JSON.stringify(found))
      t.ok(finding?.remedy)
      await takeOut()
    })
  }
  // The controller-manager was restarted twice.
  const none = async () => {
    const found = await findings()
    return found.length === 0 ? holds(true) : notYet(JSON.stringify(found))
  }
  t.ok(await until('no finding when all are taken out', none, { deadlineMs: 60_000, everyMs: 500 }))
})
