import { readdirSync, readFileSync } from 'node:fs'
import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import { certificateExpiryBy } from '@quorate/coordinator/conversion/checks/certificate-expiry'
import type { Check } from '@quorate/coordinator/conversion/checks/check'
import { clocksBy } from '@quorate/coordinator/conversion/checks/clocks'
import { makeConversionRun } from '@quorate/coordinator/runs/make-run'
import { requestFolder } from '@quorate/coordinator/state/request-folder'
import { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import t from 'tap'
import { PaperCluster } from '../../../support/paper-cluster/cluster.js'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import {
  clusterConfiguration,
  configMap,
  container,
  joinSecond,
  nodeNames,
  now,
  soundWorld,
  type World,
} from '../../../support/paper-cluster/world.js'
import { brokenGates } from './broken-gates.js'
import { brokenWorlds, externalEtcd } from './broken-worlds.js'

const allBroken = [...brokenWorlds, ...brokenGates]

const clock = { now: () => now, sleep: async () => {} }
const atNow: Record<string, Check> = { clocks: clocksBy(clock), 'certificate-expiry': certificateExpiryBy(clock) }
const find = async (check: Check, world: World) => (atNow[check.id] ?? check).check(fakeRun(world))

t.test('every file in checks/ is in the list, and is called what its check is called', async (t) => {
  const folder = new URL('../../../../coordinator/src/conversion/checks/', import.meta.url)
  const beside = ['all.ts', 'assess.ts', 'check.ts', 'joined-since-plan.ts']
  const files = readdirSync(folder).filter((file) => !beside.includes(file))
  t.same(files.sort(), allChecks.map(({ id }) => `${id}.ts`).sort())
  for (const { id } of allChecks) t.match(readFileSync(new URL(`${id}.ts`, folder), 'utf8'), `'${id}'`, id)
})

t.test('every check has at least one broken world that it finds', async (t) => {
  t.same([...new Set(allBroken.map(({ check }) => check))].sort(), allChecks.map(({ id }) => id).sort())
})

for (const check of allChecks) {
  t.test(`${check.id} finds nothing in a sound cluster, nor after half a conversion`, async (t) => {
    t.same(await find(check, soundWorld()), [])
    t.same(await find(check, joinSecond(soundWorld())), [])
  })
}

for (const { check: id, what, severity = 'error', node, evidence, breaks } of allBroken) {
  t.test(`${id}: ${what}`, async (t) => {
    const world = soundWorld()
    breaks(world)
    const findings = await find(allChecks.find((each) => each.id === id) as Check, world)
    const finding = findings.find(
      (each) => each.severity === severity && each.node === node && evidence.test(each.evidence),
    )
    t.ok(finding, `wanted ${severity} on ${node ?? 'the cluster'} with ${evidence}, got ${JSON.stringify(findings)}`)
    for (const each of findings) {
      t.equal(each.id, id)
      t.ok(each.message !== '' && each.evidence !== '' && each.remedy !== '')
    }
  })
}

t.test('what the operator chose to ignore of kubeadm is not found', async (t) => {
  const world = soundWorld()
  const joiner = world.facts['k8smaster2.example.com'] as World['facts'][string]
  Object.assign(joiner, { cpus: 1, memoryBytes: 2 ** 30, swapOn: true, kubeadmVersion: 'v1.30.4', cgroupVersion: 'v1' })
  joiner.listening.push({ port: 10250, address: '::', process: 'x' })
  world.file.policy.ignorePreflightErrors = [
    'NumCPU',
    'Mem',
    'Swap',
    'FileExisting-crictl',
    'Port-10250',
    'SystemVerification',
  ]
  for (const id of ['resources', 'swap', 'crictl', 'ports'])
    t.same(await find(allChecks.find((each) => each.id === id) as Check, world), [], id)
  const cgroups = await find(allChecks.find((each) => each.id === 'cgroups') as Check, world)
  t.ok(cgroups.length > 0 && cgroups.every(({ severity }) => severity === 'warning'))
})

t.test('what an earlier run started or copied is not found', async (t) => {
  const world = soundWorld()
  const first = world.facts['k8smaster1.example.com'] as World['facts'][string]
  first.loadBalancerConfigs = { '/etc/haproxy/haproxy.cfg': 'x', '/etc/keepalived/keepalived.conf': 'x' }
  first.listening.push({ port: 8443, address: '*', process: 'haproxy' })
  first.interfaces[1]?.addresses.push('192.168.13.100/32')
  const file = SharedFile.fromPartial({ path: '/etc/kubernetes/audit.yaml', sha256: 'aa', component: 'kube-apiserver' })
  first.sharedFiles.push(file)
  for (const name of ['k8smaster2.example.com', 'k8smaster3.example.com']) {
    const joiner = world.facts[name] as World['facts'][string]
    joiner.leftovers.push(file.path)
  }
  for (const id of ['ports', 'virtual-ip-unused', 'joiners-clean']) {
    t.same(await find(allChecks.find((each) => each.id === id) as Check, world), [], id)
  }
})

t.test('a slow answer is not taken for a wrong clock', async (t) => {
  let asked = 0
  // Each look at the clock is 20 s later than the one before: round trips of 20 s and more.
  const slow = { now: () => now + 20_000 * asked++, sleep: async () => {} }
  t.same(await clocksBy(slow).check(fakeRun({ ...soundWorld(), now: now + 80_000 })), [])
})

t.test('what is like a fault and is none is not found', async (t) => {
  const none: Record<string, (world: World) => void> = {
    'static-pods-run': (w) => {
      const sound = w.containers
      w.containers = (node, name) => [...sound(node, name), { ...container(node, name, 'x'), namespace: 'tenant' }]
    },
    'bootstrap-signer': (w) => {
      w.cluster.leases = []
      const [, manager] = w.facts[nodeNames.cp1]?.staticPods ?? []
      manager?.command.push('--leader-elect=false')
    },
    'etcd-learner-mode': (w) => {
      w.cluster.kubernetesVersion = 'v1.28.3'
    },
    'planned-outage': (w) => {
      w.cluster.kubernetesVersion = 'v1.28.3'
      w.file.policy = { ...w.file.policy, etcdLearners: 'as-configured' }
      w.cluster.kubeadmConfig = configMap(clusterConfiguration('featureGates:\n  EtcdLearnerMode: true\n'))
    },
    'cgroup-driver': (w) => {
      const joiner = w.facts[nodeNames.cp2] as World['facts'][string]
      Object.assign(joiner, { runtimeCgroupDriver: 'cgroupfs', containerRuntime: 'containerd v2.1.4' })
    },
    'kernel-network': (w) => {
      for (const facts of Object.values(w.facts)) facts.bridgeNetfilter = false
    },
    'virtual-router-id': (w) => {
      const text = 'vrrp_instance ingress {\n  virtual_router_id 51\n}\n'
      Object.assign(w.facts[nodeNames.worker] ?? {}, {
        foreignLoadBalancerConfigs: { '/etc/keepalived/keepalived.conf': text },
      })
    },
    'idle-timeouts': (w) => {
      Object.assign(w.file.loadBalancer, { kind: 'external', virtualIP: undefined })
      const text = 'defaults\n  timeout client 1h\n  timeout server 600s\n  timeout connect 5s\n'
      Object.assign(w.facts[nodeNames.worker] ?? {}, {
        foreignLoadBalancerConfigs: { '/etc/haproxy/haproxy.cfg': text },
      })
    },
    'cluster-ca': (w) => {
      w.cluster.clusterInfo = configMap('')
    },
  }
  for (const [id, change] of Object.entries(none)) {
    const world = soundWorld()
    change(world)
    t.same(await find(allChecks.find((each) => each.id === id) as Check, world), [], id)
  }
})

t.test('a node whose facts were read in this run is not asked again for its clock', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  let asked = 0
  const run = makeConversionRun({
    id: 'plan',
    file: paper.file,
    agent: (node) => {
      const agent = paper.agent(node)
      const read = async (method: string, request: never) => {
        const answer = (await agent.read(method as never, request)) as { facts: { clockUnixMs: number } }
        if (method !== 'getNodeFacts') return answer
        asked++
        const aheadMs = node.name.startsWith('k8sworker1') ? 60_000 : 0
        return { facts: { ...answer.facts, clockSynchronised: true, clockUnixMs: answer.facts.clockUnixMs + aheadMs } }
      }
      return { ...agent, read: read as never }
    },
    requestFolder: requestFolder({ runs: '/nowhere' }, 'paper'),
    keepBackup: async () => ({ path: '', sha256: '', bytes: 0 }),
    backupRecipient: '',
  })
  await Promise.all(run.nodes.map((node) => run.nodeFacts(node)))
  const findings = await clocksBy(clock).check(run)
  t.equal(asked, run.nodes.length)
  t.match(findings[0], { severity: 'error', node: 'k8sworker1.example.com', message: /60\.\d s ahead/ })
})

t.test('an external etcd of three members is nothing to complain of', async (t) => {
  const world = soundWorld()
  externalEtcd(world, 3)
  world.probe = (_, { host }) => (host.startsWith('10.') ? { reached: 'done', address: host } : undefined)
  for (const check of allChecks) t.same(await find(check, world), [], check.id)
})

t.test(
  'what an external etcd keeps on the machine of a joiner is no leftover, and its ports are no trouble',
  async (t) => {
    const [joinersClean, ports] = ['joiners-clean', 'ports'].map(
      (id) => allChecks.find((one) => one.id === id) as Check,
    )
    const world = soundWorld()
    const joiner = world.facts[nodeNames.cp2] as World['facts'][string]
    joiner.leftovers.push('/var/lib/etcd/member')
    joiner.listening.push({ port: 2379, address: '0.0.0.0', process: 'etcd' })
    for (const check of [joinersClean, ports]) t.equal((await find(check as Check, world)).length, 1, 'stacked')
    externalEtcd(world, 3)
    for (const check of [joinersClean, ports]) t.same(await find(check as Check, world), [], 'external')
  },
)
