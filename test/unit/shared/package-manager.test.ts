import { can, machineRules, missingIn } from '@quorate/shared/machine-versions'
import { installCommand, installRelease } from '@quorate/shared/package-manager'
import t from 'tap'

const system = (osId: string, osLike: string[] = [], osVersion = '') => ({ osId, osLike, osVersion })

t.test('each system installs by its own manager, also one that is only like another', async (t) => {
  const asked = ['iproute2', 'haproxy']
  t.equal(installCommand(system('debian'), asked), 'apt-get install iproute2 haproxy')
  t.equal(installCommand(system('linuxmint', ['ubuntu', 'debian']), asked), 'apt-get install iproute2 haproxy')
  t.equal(installCommand(system('fedora', [], '41'), asked), 'dnf install iproute haproxy')
  t.equal(
    installCommand(system('almalinux', ['rhel', 'centos', 'fedora'], '9.4'), asked),
    'dnf install iproute haproxy',
  )
  t.equal(installCommand(system('amzn', ['centos', 'rhel', 'fedora'], '2'), asked), 'yum install iproute haproxy')
  t.equal(
    installCommand(system('opensuse-leap', ['suse', 'opensuse'], '15.6'), asked),
    'zypper install iproute2 haproxy',
  )
})

t.test('of one that is not known every manager is named', async (t) => {
  for (const unknown of [undefined, system('gentoo')])
    t.equal(
      installCommand(unknown, ['haproxy']),
      'apt-get install haproxy, or dnf install haproxy, or zypper install haproxy',
    )
  t.match(
    installRelease(undefined, 'kubelet', 'v1.37.2'),
    /kubelet=1\.37\.2-\*.*, or dnf .*kubelet-1\.37\.2, or zypper/,
  )
})

t.test('what a release can, at its edges', async (t) => {
  const edges: [Parameters<typeof can>[0], string, boolean][] = [
    ['haproxy-http-check-connect', '2.1.12', false],
    ['haproxy-http-check-connect', '2.2.0', true],
    ['haproxy-http-check-connect', '2.10.1', true],
    ['haproxy-http-check-connect', '3.0.11-1+deb13u1', true],
    ['haproxy-hands-over', '1.7.14', false],
    ['haproxy-hands-over', '1.8', true],
    ['keepalived-config-test', '2.0.4', false],
    ['keepalived-config-test', '2.0.5', true],
    ['keepalived-config-test', '2.1', true],
    ['systemd-runtime-folder', '234', false],
    ['systemd-runtime-folder', '235', true],
    ['systemd-answering-unit', '235', false],
    ['systemd-answering-unit', '236', true],
    ['containerd-cri-v1', '1.5.18', false],
    ['containerd-cri-v1', '2.1.4', true],
  ]
  for (const [rule, version, can_] of edges) t.equal(can(rule, version), can_, `${rule} ${version}`)
  for (const name of Object.keys(machineRules)) t.ok(can(name as Parameters<typeof can>[0], ''), name)
})

t.test('what has a replacement is not missing', async (t) => {
  t.same(missingIn('haproxy', '1.8.27'), [])
  t.same(missingIn('keepalived', '2.0.1'), [])
  t.equal(missingIn('keepalived', '1.3.5').length, 1)
})
