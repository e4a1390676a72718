import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { leaseStore } from '@quorate/coordinator/engine/lease'
import { newRunId } from '@quorate/coordinator/engine/run-id'
import { initState } from '@quorate/coordinator/state/init'
import t from 'tap'
import { endedWith, SshNodes, wholeOf } from '../support/ssh-nodes.js'

t.test('clean nodes get the agent, and the same command again changes nothing', async (t) => {
  const nodes = await SshNodes.start(t)
  const check = await nodes.deploy(['--check'])
  endedWith(t, check, 0, /cp1, cp2, cp3, w1: no agent\n {2}install \/usr\/bin\/quorate-agent/)
  t.notOk(nodes.has('cp1', 'usr/bin/quorate-agent'), 'a check changes nothing on a node')
  t.notOk(existsSync(join(nodes.folder, 'state/fleet')), 'nor here')
  const first = await nodes.deploy()
  endedWith(t, first, 0, /Created the state folder/)
  t.match(first.said, /4 nodes done\. [\d.]+ [KM]iB sent in all/)
  for (const name of nodes.names) t.match(first.said, new RegExp(`${name}: done, [\\d.]+ [KM]iB sent, \\d`))
  endedWith(t, await nodes.quorate(['nodes']), 0)
  const before = nodes.names.map((name) => nodes.installed(name))
  nodes.forgetSeen()
  endedWith(t, await nodes.deploy(), 0, /4 nodes without a change/)
  t.same(
    nodes.names.map((name) => nodes.installed(name)),
    before,
  )
  t.ok(
    nodes.seen().streams.every((stream) => stream.length === 0),
    'nothing travels',
  )
})

t.test('while a run holds the cluster nothing is changed, and a check still looks', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  await initState(join(nodes.folder, 'state'))
  const lease = await leaseStore(join(nodes.folder, 'state/leases')).acquire('test', newRunId(Date.now()))
  for (const deed of [[], ['--rollback'], ['--remove']])
    endedWith(t, await nodes.deploy(['--yes', ...deed]), 6, /holds this cluster: nothing was started/)
  endedWith(t, await nodes.deploy(['--check']), 0, /no agent/)
  await lease.release()
  t.same(nodes.installed('cp1'), {})
})

t.test('an upgrade keeps identity and settings; rollback and removal leave what was there before', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  nodes.agent('v2')
  endedWith(t, await nodes.deploy(), 0)
  const v1 = wholeOf(nodes, 'cp1')
  const key = nodes.read('cp1', 'etc/quorate/node.key')
  endedWith(
    t,
    await nodes.deploy(['--yes', '--limit', 'cp1'], { release: 'v2' }),
    0,
    /replace \/usr\/bin\/quorate-agent/,
  )
  t.not(wholeOf(nodes, 'cp1')[0], v1[0], 'another binary')
  t.equal(nodes.read('cp1', 'etc/quorate/node.key'), key, 'the same key')
  t.equal(wholeOf(nodes, 'cp2')[0], v1[0], '--limit leaves the others')
  endedWith(
    t,
    await nodes.deploy(['--yes', '--rollback', '--limit', 'cp1']),
    0,
    /put back what the node had before: agent/,
  )
  t.equal(wholeOf(nodes, 'cp1')[0], v1[0])
  endedWith(t, await nodes.quorate(['nodes']), 0)
  endedWith(t, await nodes.deploy(['--yes', '--rollback', '--limit', 'cp1']), 0, /1 node without a change/)

  endedWith(t, await nodes.deploy(['--remove']), 2, /cannot prompt/)
  endedWith(t, await nodes.deploy(['--yes', '--remove']), 0)
  for (const name of nodes.names) {
    t.same(nodes.installed(name), {}, 'no file is left')
    for (const path of ['etc/quorate', 'var/lib/quorate-agent', 'usr/lib/quorate-agent'])
      t.notOk(nodes.has(name, path), `no ${path}`)
  }
  t.match((await nodes.quorate(['nodes'])).said, /No node is enrolled/)
  endedWith(t, await nodes.deploy(['--yes', '--remove']), 0, /3 nodes without a change/)
})

t.test('a node whose agent does not answer gets back what it had, and the others go on', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  nodes.agent('v2')
  endedWith(t, await nodes.deploy(), 0)
  const v1 = nodes.installed('cp2')['usr/bin/quorate-agent']
  nodes.set('cp2', 'refuse-start', '')
  const ran = await nodes.deploy(['--yes'], { release: 'v2' })
  endedWith(t, ran, 4, /cp2: systemctl restart failed: Job for quorate-agent.service failed/)
  t.match(ran.said, /2 nodes done, 1 node not done/)
  t.equal(nodes.installed('cp2')['usr/bin/quorate-agent'], v1)
  nodes.unset('cp2', 'refuse-start')
  endedWith(t, await nodes.deploy(['--yes'], { release: 'v2' }), 0, /1 node done, 2 nodes without a change/)
})

t.test('no private key and no password is in any argument; what travels is compressed and once', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  nodes.set('cp1', 'uid', '1000')
  nodes.set('cp1', 'sudo', 'password s3cret-of-op')
  endedWith(t, await nodes.deploy(['--yes']), 3, /cp1: sudo asks for a password/)
  endedWith(
    t,
    await nodes.deploy(['--yes', '--ask-sudo-password'], { input: 'wrong\n' }),
    3,
    /sudo refused the password/,
  )
  nodes.forgetSeen()
  endedWith(t, await nodes.deploy(['--yes', '--ask-sudo-password'], { input: 's3cret-of-op\n' }), 0)
  const { args, streams } = nodes.seen()
  t.notMatch(args, /s3cret|PRIVATE|StrictHostKeyChecking|UserKnownHosts/)
  const password = Buffer.from('s3cret-of-op\n')
  const withPassword = streams.filter((stream) => stream.indexOf(password) !== -1)
  t.ok(withPassword.length > 0 && withPassword.every((stream) => stream.indexOf(password) === 0), 'before the tar only')
  const opened = streams
    .map((stream) => stream.subarray(stream.indexOf(password) === 0 ? password.length : 0))
    .filter((stream) => stream.length > 0)
    .map((stream) => gunzipSync(stream).toString('latin1'))
  for (const text of opened) t.notMatch(text, /PRIVATE KEY|s3cret|AGE-SECRET/)
  for (const name of nodes.names) {
    const lines = nodes.read(name, 'etc/quorate/node.key').split('\n').slice(1, -2)
    for (const line of lines)
      t.notOk(
        opened.some((text) => text.includes(line)),
        'no key of a node travels',
      )
  }
  const count = opened.filter((text) => text.includes('# v1')).length
  t.equal(count, 1, 'the binary travels once, to the one node that lacks it')
})

t.test('each thing that is wrong has its sentence, and the other nodes go on', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  const wrong: readonly (readonly [path: string, text: string, said: RegExp])[] = [
    [
      'says',
      '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @',
      /cp2: its host key is not the one that this machine knows/,
    ],
    ['says', 'Host key verification failed.', /does not know its host key, and there is no terminal/],
    ['says', 'op@cp2: Permission denied (publickey).', /ssh may not log in/],
    ['says', 'ssh: connect to host 10.0.0.2 port 22: Connection refused', /ssh does not reach it/],
    ['says', 'ssh: Could not resolve hostname cp2', /does not resolve/],
    ['sudo', 'requiretty', /sudo runs only on a terminal there \(requiretty\)/],
    ['sudo', 'none', /may not become root by sudo/],
    ['free', '1000', /disk is full: 0 MiB are free/],
    ['proc/self/mounts', '/dev/sda1 / ext4 rw,noexec 0 0', /mounted noexec/],
    ['proc/self/mounts', '/dev/sda1 / ext4 ro,relatime 0 0', /mounted read-only/],
    [
      'clock',
      String(Math.floor(Date.now() / 1000) - 7200),
      /12\d minutes behind this machine's: certificates would not be valid yet/,
    ],
    ['etc/quorate/fleet-ca.crt', 'of another fleet', /its agent is of another fleet/],
    ['sys/fs/selinux/enforce', '1', /no restorecon/],
  ]
  nodes.set('cp2', 'uid', '1000')
  for (const [path, text, said] of wrong) {
    if (path === 'sys/fs/selinux/enforce') nodes.unset('cp2', 'bin/restorecon')
    const before = path.startsWith('proc/') ? nodes.read('cp2', path).trim() : undefined
    nodes.set('cp2', path, text)
    const ran = await nodes.deploy(['--check'])
    endedWith(t, ran, 3, said)
    t.match(ran.said, /cp1, cp3: no agent/)
    if (before === undefined) nodes.unset('cp2', path)
    else nodes.set('cp2', path, before)
  }
  const port = /name: cp2.*agent: '127.0.0.1:(\d+)/.exec(nodes.clusterText())?.[1]
  nodes.set('cp2', 'proc/net/tcp', `   0: 0100007F:${Number(port).toString(16).toUpperCase()} 00000000:0000 0A 0`)
  nodes.set('cp2', 'listeners', `LISTEN 0 1 127.0.0.1:${port} 0.0.0.0:* users:(("nginx",pid=7,fd=3))`)
  endedWith(t, await nodes.deploy(['--check']), 3, new RegExp(`port ${port} is taken there by nginx`))
  nodes.set('cp2', 'proc/net/tcp', '')
  nodes.unset('cp2', 'run/systemd')
  endedWith(t, await nodes.deploy(['--yes']), 3, /cp2: it does not run systemd/)
  endedWith(t, await nodes.deploy(['--yes']), 3, /2 nodes without a change, 1 node not done/)
})

t.test('a connection that ends in the middle, as when the node starts again', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  nodes.set('cp1', 'die-in-install', '12')
  const cut = await nodes.deploy(['--yes', '--limit', 'cp1'])
  t.not(cut.exitCode, 0)
  t.match(cut.said, /run the same command again/)
  nodes.unset('cp1', 'die-in-install')
  nodes.set('cp1', 'proc/sys/kernel/random/boot_id', 'cp1-2')
  endedWith(t, await nodes.deploy(['--yes']), 0)
  endedWith(t, await nodes.quorate(['nodes']), 0)
})

t.test('an agent that came as a package gets an identity, and its files stay those of the package', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  const unit = 'usr/lib/systemd/system/quorate-agent.service'
  const install = (release: string) => {
    cpSync(nodes.agent(release), join(nodes.root('cp1'), 'usr/bin/quorate-agent'))
    nodes.set('cp1', unit, 'of the package')
  }
  install('v1')
  endedWith(t, await nodes.deploy(), 0)
  endedWith(t, await nodes.quorate(['nodes']), 0)
  t.notOk(nodes.has('cp1', 'etc/systemd/system/quorate-agent.service'), 'no unit that hides the one of the package')
  t.equal(nodes.read('cp1', unit), 'of the package\n')
  endedWith(t, await nodes.deploy(), 0, /3 nodes without a change/)
  nodes.agent('v2')
  const older = await nodes.deploy(['--yes', '--limit', 'cp1'], { release: 'v2' })
  endedWith(t, older, 3, /cp1: its agent came as a package: it has agent [0-9a-f]{12}, and the agent at hand is/)
  endedWith(t, await nodes.deploy(['--yes', '--remove', '--limit', 'cp1']), 3, /apt-get purge quorate-agent/)
  install('v2')
  endedWith(t, await nodes.deploy(['--yes', '--limit', 'cp1'], { release: 'v2' }), 0)
  endedWith(t, await nodes.deploy(['--yes', '--rollback', '--limit', 'cp1']), 3, /its agent came as a package/)
})

t.test('SELinux: what is put into place gets the contexts of the policy', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  nodes.set('cp1', 'sys/fs/selinux/enforce', '1')
  endedWith(t, await nodes.deploy(['--yes', '--limit', 'cp1']), 0)
  t.match(nodes.read('cp1', 'labels'), /-F -- .*\/etc\/quorate\/node.key .*\/usr\/bin\/quorate-agent/)
})

t.test('an agent of another fleet is taken over only when asked', async (t) => {
  const nodes = await SshNodes.start(t, { workers: 0 })
  endedWith(t, await nodes.deploy(['--yes', '--limit', 'cp1'], { state: 'lost' }), 0)
  const before = nodes.installed('cp1')
  endedWith(t, await nodes.deploy(['--yes', '--limit', 'cp1']), 3, /its agent is of another fleet/)
  endedWith(t, await nodes.deploy(['--yes', '--remove', '--limit', 'cp1']), 3, /its agent is of another fleet/)
  t.same(nodes.installed('cp1'), before)
  endedWith(t, await nodes.deploy(['--yes', '--limit', 'cp1', '--replace-fleet']), 0)
  endedWith(t, await nodes.quorate(['nodes']), 0)
})
