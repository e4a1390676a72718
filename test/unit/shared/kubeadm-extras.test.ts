import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import type { ComponentExtras } from '@quorate/shared/gen/quorate/v1/node_agent'
import { adoptExtras, extraArgsOf, extrasText, noExtras } from '@quorate/shared/kubeadm-extras'
import t from 'tap'
import { parse } from 'yaml'
import { type FixtureVersion, fixtureData } from '../../support/fixtures.js'

const stored = (version: FixtureVersion) =>
  fixtureData(version, 'before/cm-kubeadm-config.yaml', 'ClusterConfiguration')
const args = (component: string, ...list: readonly [name: string, ...values: string[]][]): ComponentExtras => ({
  ...noExtras(component),
  args: list.map(([name, ...values]) => ({ name, values })),
})
const manager = args('kube-controller-manager', ['cluster-cidr', '10.244.0.0/16'], ['allocate-node-cidrs', 'true'])

t.test('v1beta3 has a map, and every other line stays as it was', async (t) => {
  const before = stored('v1.30.4')
  const after = adoptExtras(before, [manager, args('etcd', ['quota-backend-bytes', '8589934592'])])
  t.same(parse(after).controllerManager, {
    extraArgs: { 'cluster-cidr': '10.244.0.0/16', 'allocate-node-cidrs': 'true' },
  })
  t.equal(parse(after).etcd.local.extraArgs['quota-backend-bytes'], '8589934592', 'a string, as kubeadm wants it')
  const lines = before.split('\n').filter((line) => !line.startsWith('controllerManager'))
  for (const line of lines) t.ok(after.split('\n').includes(line), line)
  t.equal(adoptExtras(after, [manager]), after, 'what is there is not written again')
})

t.test('v1beta4 has a list, in which a flag stands more than once', async (t) => {
  const issuers = args('kube-apiserver', ['service-account-issuer', 'https://a', 'https://b'])
  const after = adoptExtras(stored('v1.37.2'), [issuers, manager])
  t.same(parse(after).apiServer.extraArgs, [
    { name: 'service-account-issuer', value: 'https://a' },
    { name: 'service-account-issuer', value: 'https://b' },
  ])
  t.same(extraArgsOf(after, 'kube-apiserver'), [{ name: 'service-account-issuer', values: ['https://a', 'https://b'] }])
  const one = adoptExtras(after, [args('kube-apiserver', ['service-account-issuer', 'https://c'], ['v', '4'])])
  t.same(parse(one).apiServer.extraArgs, [
    { name: 'service-account-issuer', value: 'https://c' },
    { name: 'v', value: '4' },
  ])
  t.same(parse(adoptExtras(one, [args('kube-apiserver', ['v'])])).apiServer.extraArgs.length, 1, 'taken out')
  t.throws(() => adoptExtras(stored('v1.30.4'), [issuers]), { code: 'INVALID_REQUEST' })
})

t.test('volumes, environment and images', async (t) => {
  const volume = {
    name: 'audit',
    hostPath: '/etc/kubernetes/audit',
    mountPath: '/etc/kubernetes/audit',
    type: 'Directory',
    readOnly: true,
  }
  const after = adoptExtras(stored('v1.37.2'), [
    {
      ...noExtras('kube-apiserver'),
      volumes: [volume],
      envs: [{ name: 'GODEBUG', value: 'x=1' }],
      imageRepository: 'registry.example.com/k8s',
    },
    { ...noExtras('etcd'), imageRepository: 'registry.example.com/etcd', imageTag: '3.6.6-0' },
  ])
  t.match(parse(after), {
    imageRepository: 'registry.example.com/k8s',
    apiServer: {
      extraVolumes: [
        {
          name: 'audit',
          hostPath: '/etc/kubernetes/audit',
          mountPath: '/etc/kubernetes/audit',
          readOnly: true,
          pathType: 'Directory',
        },
      ],
      extraEnvs: [{ name: 'GODEBUG', value: 'x=1' }],
    },
    etcd: { local: { dataDir: '/var/lib/etcd', imageRepository: 'registry.example.com/etcd', imageTag: '3.6.6-0' } },
  })
  t.throws(() => adoptExtras(stored('v1.30.4'), [{ ...noExtras('etcd'), envs: [{ name: 'A', value: 'b' }] }]), {
    code: 'INVALID_REQUEST',
  })
})

t.test('a text that people wrote keeps what they wrote', async (t) => {
  const before = [
    '# ours',
    'kind: ClusterConfiguration',
    'apiVersion: kubeadm.k8s.io/v1beta4 # read by 1.31',
    'controllerManager:   # nothing yet',
    'kubernetesVersion: "v1.37.2"',
    'apiServer: {certSANs: [a.example.com], extraArgs: [{name: v, value: "2"}]}',
    'scheduler:',
    '  extraArgs:',
    '    - name: v',
    '      value: "2"',
    '  # the end',
    'networking: {dnsDomain: cluster.local}',
    'etcd:',
    '  local:',
    '    extraArgs: ~ # none',
    '    dataDir: /var/lib/etcd',
    '',
  ].join('\n')
  const after = adoptExtras(before, [
    manager,
    args('kube-apiserver', ['v', '4']),
    args('kube-scheduler', ['v', '5'], ['profiling', 'false']),
    args('etcd', ['snapshot-count', '5000']),
  ])
  t.match(parse(after), {
    apiServer: { certSANs: ['a.example.com'], extraArgs: [{ name: 'v', value: '4' }] },
    scheduler: {
      extraArgs: [
        { name: 'v', value: '5' },
        { name: 'profiling', value: 'false' },
      ],
    },
    etcd: { local: { extraArgs: [{ name: 'snapshot-count', value: '5000' }] } },
  })
  for (const comment of ['# ours', '# read by 1.31', '# nothing yet', '# the end', '# none']) t.match(after, comment)
  t.equal(readClusterConfiguration(after).kubernetesVersion, 'v1.37.2')
  const windows = adoptExtras(before.replaceAll('\n', '\r\n'), [manager])
  t.notMatch(windows.replaceAll('\r\n', ''), '\n')
})

t.test('the lines that a person adds by hand', async (t) => {
  t.equal(
    extrasText(args('kube-scheduler', ['v', '4']), 'v1beta4'),
    'scheduler:\n  extraArgs:\n  - name: v\n    value: "4"',
  )
  t.equal(extrasText(args('etcd', ['v', '4']), 'v1beta3'), 'etcd:\n  local:\n    extraArgs:\n      v: "4"')
})
