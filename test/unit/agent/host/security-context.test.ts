import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import t, { type Test } from 'tap'

/** A node whose chcon writes down what it was asked, or fails with these words. */
function node(t: Test, { selinux, fails = '' }: { selinux: boolean; fails?: string }) {
  const root = t.testdir({ etc: { hosts: '127.0.0.1 localhost\n' } })
  if (selinux) {
    mkdirSync(join(root, 'sys/fs/selinux'), { recursive: true })
    writeFileSync(join(root, 'sys/fs/selinux/enforce'), '1')
  }
  const bin = join(root, 'bin')
  mkdirSync(bin)
  writeFileSync(
    join(bin, 'chcon'),
    `#!/bin/sh\necho "$@" >> "${root}/asked"\n${fails === '' ? '' : `echo "${fails}" >&2; exit 1`}\n`,
  )
  chmodSync(join(bin, 'chcon'), 0o755)
  const path = process.env['PATH']
  process.env['PATH'] = `${bin}:${path}`
  t.teardown(() => {
    process.env['PATH'] = path
  })
  const asked = () => (existsSync(join(root, 'asked')) ? readFileSync(join(root, 'asked'), 'utf8') : '')
  return { root, host: new LinuxHost(root), asked, hosts: () => readFileSync(join(root, 'etc/hosts'), 'utf8') }
}

t.test('a file that is replaced keeps its SELinux context, before the new one takes its place', async (t) => {
  const { root, host, asked, hosts } = node(t, { selinux: true })
  await host.replace('/etc/hosts', Buffer.from('new'), { mode: 0o644 })
  t.equal(hosts(), 'new')
  t.match(asked(), new RegExp(`^--reference=${root}/etc/hosts -- ${root}/etc/\\.hosts\\.quorate-[0-9a-f]{8}\\n$`))
  await host.replace('/etc/fresh', Buffer.from('x'), { mode: 0o644 })
  t.equal(asked().split('\n').length, 2, 'a new file has what its folder gives')
})

const written = [
  '/etc/hosts',
  '/etc/kubernetes/admin.conf',
  '/etc/kubernetes/manifests/kube-apiserver.yaml',
  '/etc/kubernetes/pki/apiserver.crt',
]
const contextOf = (path: string): string => spawnSync('stat', ['-c', '%C', path], { encoding: 'utf8' }).stdout.trim()
const label = (path: string, context: string): boolean => spawnSync('chcon', [context, path]).status === 0

/** A kernel without SELinux keeps the attribute all the same, and root may write it: then it is the real one that is carried over. */
function mayLabel(t: Test): boolean {
  const path = join(t.testdir({ probe: '' }), 'probe')
  return label(path, 'system_u:object_r:etc_t:s0') && contextOf(path) === 'system_u:object_r:etc_t:s0'
}

t.test('security.selinux itself, by the chcon of this machine', async (t) => {
  if (!mayLabel(t)) return void t.pass('who runs this may not write security.selinux here')
  const root = t.testdir({
    etc: { hosts: 'old', kubernetes: { 'admin.conf': 'old', manifests: {}, pki: { 'apiserver.crt': 'old' } } },
    sys: { fs: { selinux: { enforce: '1' } } },
  })
  writeFileSync(join(root, '/etc/kubernetes/manifests/kube-apiserver.yaml'), 'old')
  const host = new LinuxHost(root)
  for (const [index, path] of written.entries()) {
    const context = `system_u:object_r:kind_${index}_t:s0`
    t.ok(label(join(root, path), context))
    await host.replace(path, Buffer.from('new'), { mode: 0o600 })
    t.equal(readFileSync(join(root, path), 'utf8'), 'new')
    t.equal(contextOf(join(root, path)), context, path)
    // As a backup is put back, which says mode and owner itself.
    await host.replace(path, Buffer.from('old'), { mode: 0o640, exact: true })
    t.equal(contextOf(join(root, path)), context, `${path}, put back`)
  }
})

t.test('without SELinux nobody is asked', async (t) => {
  const { host, asked, hosts } = node(t, { selinux: false })
  await host.replace('/etc/hosts', Buffer.from('new'), { mode: 0o644 })
  t.same([asked(), hosts()], ['', 'new'])
})

t.test('where the context cannot be kept the old file stays', async (t) => {
  const refused = node(t, { selinux: true, fails: 'chcon: Permission denied' })
  await t.rejects(refused.host.replace('/etc/hosts', Buffer.from('new'), { mode: 0o644 }), {
    code: 'COMMAND_FAILED',
    message: /security context/,
  })
  t.equal(refused.hosts(), '127.0.0.1 localhost\n')
})

t.test('a file system without contexts has none to lose', async (t) => {
  const { host, hosts } = node(t, {
    selinux: true,
    fails: 'chcon: failed to get security context: Operation not supported',
  })
  await host.replace('/etc/hosts', Buffer.from('new'), { mode: 0o644 })
  t.equal(hosts(), 'new')
})
