import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { members } from '../../support/conversion-assertions.js'
import { CoordinatorProcess } from '../../support/coordinator-process.js'
import { clusterForTest } from '../../support/simulated-cluster.js'
import type { ExpectedFinding, PublicCase } from './case.js'
import { inFile, together } from './put.js'

const dpkg = '/var/lib/dpkg/status'
const stanza = (name: string, version: string, hold = false): string =>
  `Package: ${name}\nStatus: ${hold ? 'hold' : 'install'} ok installed\nPriority: optional\nVersion: ${version}\nDescription: ${name}\n of Kubernetes\n\n`
const kubernetes = ['kubeadm', 'kubelet', 'kubectl']
const installed = (...held: readonly string[]) =>
  inFile('cp2', dpkg, () =>
    ['base-files', ...kubernetes].map((name) => stanza(name, '1.37.2-1.1', held.includes(name))).join(''),
  )
const unattended = together(
  inFile('cp2', '/usr/bin/unattended-upgrade', () => '#!/usr/bin/python3\n'),
  inFile('cp2', '/etc/apt/apt.conf.d/20auto-upgrades', () => 'APT::Periodic::Unattended-Upgrade "1";\n'),
)
const repository = inFile('cp2', '/etc/yum.repos.d/kubernetes.repo', () => '[kubernetes]\nname=Kubernetes\nenabled=1\n')
const excluding = inFile(
  'cp2',
  '/etc/yum.repos.d/kubernetes.repo',
  () => '[kubernetes]\nname=Kubernetes\nexclude=kubelet kubeadm kubectl cri-tools kubernetes-cni\n',
)
const automatic = inFile(
  'cp2',
  '/etc/systemd/system/timers.target.wants/dnf-automatic-install.timer',
  () => '[Timer]\n',
)
const versionlock = inFile(
  'cp2',
  '/etc/dnf/plugins/versionlock.list',
  () => '# Added lock\nkubelet-0:1.37.2-150500.1.1.*\nkubeadm-0:1.37.2-150500.1.1.*\nkubectl-0:1.37.2-150500.1.1.*\n',
)

const warns = (message: RegExp, remedy: RegExp): ExpectedFinding => ({
  ...{ check: 'package-holds', severity: 'warning', on: 'cp2', message, remedy },
})

const upgrades = (
  id: string,
  input: string,
  put: (cluster: SimulatedCluster) => Promise<() => Promise<unknown>>,
  finds: readonly ExpectedFinding[],
): PublicCase => ({
  ...{ id, kind: 'C', input },
  source: ['kubernetes/website, Installing kubeadm; kubernetes/kubeadm#2719'],
  outcome: finds.length === 0 ? 'accepted' : 'reported',
  answer: finds.length === 0 ? 'Nothing.' : 'A warning with the command that holds the packages.',
  trial: { plan: { put, finds } },
})

/** Enables etcd's authentication with these roots, and disables it again. */
const etcdRoots =
  (...names: readonly string[]) =>
  async ({ control }: SimulatedCluster) => {
    await control.ask('etcdRoots', { names })
    return () => control.ask('etcdRoots', { names: null })
  }

const apparmorProfiles = (text: string) => inFile('cp1', '/sys/kernel/security/apparmor/profiles', () => text)
const ofHaproxy = (rules: string) =>
  inFile(
    'cp1',
    '/etc/apparmor.d/usr.sbin.haproxy',
    () => `#include <tunables/global>\n/usr/sbin/haproxy {\n  #include <abstractions/base>\n${rules}}\n`,
  )
const confined = apparmorProfiles('/usr/sbin/haproxy (enforce)\nlsb_release (enforce)\n')

/** Something upgrades the packages of a joiner when the run is half way. */
async function upgradedMeanwhile(t: Test): Promise<void> {
  const cluster = await clusterForTest(t, { workers: 1 })
  const quorate = new CoordinatorProcess(cluster, ['convert', '-f', cluster.clusterFile, '--yes'])
  await quorate.said(/update-kubeadm-config: k8smaster1/)
  await cluster.setFaults('cp3', { programVersion: 'v1.37.3' })
  const run = await quorate.ended
  t.equal(run.exitCode, 4, run.stdout.slice(-2500) + run.stderr)
  t.match(run.stdout + run.stderr, /kube(?:adm|let) on k8smaster3\.example\.com is v1\.37\.3; the plan has v1\.37\.2/)
  t.match(run.stdout + run.stderr, /apt-mark hold kubeadm kubelet kubectl/)
  t.equal((await members(cluster)).length, 1, 'no control plane joined')
  await cluster.setFaults('cp3', { programVersion: 'v1.37.2' })
  const id = /quorate resume (\d{8}t\d{6}-[a-z0-9]{6})/.exec(run.stdout + run.stderr)?.[1] ?? ''
  const resumed = await cluster.quorate(['resume', id])
  t.equal(resumed.exitCode, 0, resumed.stderr)
  t.equal((await members(cluster)).length, 3)
}

/** What machines and etcd clusters of years have around Kubernetes. */
export const surroundings: readonly PublicCase[] = [
  {
    id: 'kubelet-upgraded-while-a-run-goes-on',
    kind: 'C',
    source: ['kubernetes/kubeadm#1556', 'kubernetes/website, Installing kubeadm'],
    input: 'unattended-upgrades installs another kubeadm and kubelet on a joiner while a run goes on',
    outcome: 'blocked',
    answer:
      'The run stops before the first join, names node, program and versions; after the version is back, resume finishes it.',
    trial: { conversion: upgradedMeanwhile },
  },
  upgrades(
    'unattended-upgrades-not-held',
    'unattended-upgrades is on and no package is held',
    together(installed(), unattended),
    [warns(/kubeadm, kubelet, kubectl are not held/, /apt-mark hold kubeadm kubelet kubectl$/)],
  ),
  upgrades(
    'unattended-upgrades-one-not-held',
    'kubelet alone is not held',
    together(installed('kubeadm', 'kubectl'), unattended),
    [warns(/kubelet is not held/, /apt-mark hold kubelet$/)],
  ),
  upgrades('unattended-upgrades-held', 'every package is held', together(installed(...kubernetes), unattended), []),
  upgrades(
    'unattended-upgrades-off',
    'unattended-upgrades is installed and switched off',
    together(
      installed(),
      inFile('cp2', '/usr/bin/unattended-upgrade', () => '#!/usr/bin/python3\n'),
      inFile('cp2', '/etc/apt/apt.conf.d/20auto-upgrades', () => 'APT::Periodic::Unattended-Upgrade "1";\n'),
      inFile(
        'cp2',
        '/etc/apt/apt.conf.d/99local',
        () => '// APT::Periodic::Unattended-Upgrade "1";\nAPT::Periodic::Unattended-Upgrade "0";\n',
      ),
    ),
    [],
  ),
  upgrades(
    'dnf-automatic-not-held',
    'dnf-automatic installs upgrades and nothing is locked',
    together(repository, automatic),
    [warns(/dnf-automatic installs upgrades/, /dnf versionlock add kubeadm kubelet kubectl$/)],
  ),
  upgrades(
    'dnf-automatic-excluded',
    "the repository excludes the packages, as Kubernetes' documentation writes it",
    together(excluding, automatic),
    [],
  ),
  upgrades('dnf-automatic-versionlock', 'the packages are locked', together(repository, versionlock, automatic), []),
  {
    id: 'etcd-authentication-without-user',
    kind: 'C',
    source: ['etcd-io/etcd#9816'],
    input: "etcd has authentication enabled, and the user of kubeadm's client certificate does not exist",
    outcome: 'blocked',
    answer: 'An error with the two etcdctl commands that make the user; tried with a real etcd 3.5.15.',
    trial: {
      plan: {
        put: etcdRoots('root', 'kube-apiserver-etcd-client'),
        finds: [
          {
            ...{ check: 'etcd-authentication', severity: 'error', on: 'cp1' },
            evidence: /kube-etcd-healthcheck-client: etcdserver: user name not found/,
            remedy:
              /etcdctl user add kube-etcd-healthcheck-client --no-password; etcdctl user grant-role kube-etcd-healthcheck-client root/,
          },
        ],
      },
    },
  },
  {
    id: 'etcd-authentication-with-root',
    kind: 'C',
    source: ['etcd-io/etcd#9816', 'etcd-io/etcd#9008'],
    input: "etcd has authentication enabled, and the user of kubeadm's client certificate has the role root",
    outcome: 'supported',
    answer: 'A note; snapshot, new members and their promotion are accepted.',
    trial: {
      plan: {
        put: etcdRoots('root', 'kube-etcd-healthcheck-client'),
        finds: [{ check: 'etcd-authentication', severity: 'info' }],
      },
    },
  },
  {
    id: 'apparmor-haproxy-enforced',
    kind: 'C',
    source: ['openSUSE, package haproxy, usr.sbin.haproxy'],
    input: 'an AppArmor profile in enforce mode confines haproxy to other files than its configuration',
    outcome: 'reported',
    answer: 'A warning with the rule to add and the command that loads it.',
    trial: {
      plan: {
        put: together(confined, ofHaproxy('  /etc/ssl/private/* r,\n')),
        finds: [
          {
            ...{ check: 'apparmor', severity: 'warning', on: 'cp1' },
            remedy:
              /echo '\/etc\/quorate-haproxy\/haproxy\.cfg r,' >> \/etc\/apparmor\.d\/local\/usr\.sbin\.haproxy && apparmor_parser -r \/etc\/apparmor\.d\/usr\.sbin\.haproxy$/,
          },
        ],
      },
    },
  },
  ...(
    [
      [
        'apparmor-haproxy-allowed',
        'the profile allows the folder of its configuration',
        '  /etc/quorate-haproxy/** r,\n',
      ],
      ['apparmor-haproxy-braces', 'the profile allows it by a list', '  /etc/quorate-haproxy/{haproxy,own}.cfg r,\n'],
    ] as const
  ).map(
    ([id, input, rule]): PublicCase => ({
      ...{ id, kind: 'C', input, outcome: 'accepted', answer: 'Nothing.' },
      source: ['openSUSE, package haproxy, usr.sbin.haproxy'],
      trial: { plan: { put: together(confined, ofHaproxy(rule)), finds: [] } },
    }),
  ),
  {
    id: 'apparmor-complain',
    kind: 'C',
    source: ['openSUSE, package haproxy, usr.sbin.haproxy'],
    input: 'the profile of haproxy is in complain mode',
    outcome: 'accepted',
    answer: 'Nothing: it refuses nothing.',
    trial: {
      plan: { put: together(apparmorProfiles('/usr/sbin/haproxy (complain)\n'), ofHaproxy('')), finds: [] },
    },
  },
]
