import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'

const nodeIn = (t: { testdir: (tree: Record<string, string | Record<string, string>>) => string }, tree = {}) => {
  const root = t.testdir({ etc: {}, ...tree })
  return { root, host: new LinuxHost(root) }
}

t.test('a file that is replaced keeps its mode, and no temporary file stays', async (t) => {
  const { root, host } = nodeIn(t, { etc: { 'admin.conf': 'old' } })
  chmodSync(join(root, 'etc/admin.conf'), 0o640)
  const before = statSync(join(root, 'etc/admin.conf'))
  await host.replace('/etc/admin.conf', Buffer.from('new'), { mode: 0o600 })
  const after = statSync(join(root, 'etc/admin.conf'))
  t.equal(readFileSync(join(root, 'etc/admin.conf'), 'utf8'), 'new')
  t.equal(after.mode & 0o7777, 0o640)
  t.not(after.ino, before.ino, 'replaced as a whole, not written over')
  t.same(readdirSync(join(root, 'etc')), ['admin.conf'])
})

t.test('whoever holds the old file open keeps the old bytes', async (t) => {
  const { root, host } = nodeIn(t, { etc: { 'apiserver.crt': 'old' } })
  linkSync(join(root, 'etc/apiserver.crt'), join(root, 'held'))
  await host.replace('/etc/apiserver.crt', Buffer.from('new'), { mode: 0o600 })
  t.equal(readFileSync(join(root, 'held'), 'utf8'), 'old')
})

t.test('a new file gets the mode asked for whatever the umask, and a secret gets a private folder', async (t) => {
  const { root, host } = nodeIn(t)
  const umask = process.umask(0o077)
  t.teardown(() => process.umask(umask))
  await host.replace('/run/quorate-agent/join-secret.json', Buffer.from('s'), { mode: 0o600 })
  await host.replace('/etc/haproxy/haproxy.cfg', Buffer.from('c'), { mode: 0o644 })
  const mode = (path: string) => statSync(join(root, path)).mode & 0o7777
  t.same([mode('run/quorate-agent'), mode('run/quorate-agent/join-secret.json')], [0o700, 0o600])
  t.same([mode('etc/haproxy'), mode('etc/haproxy/haproxy.cfg')], [0o755, 0o644])
})

t.test('a stream that fails leaves the old file and nothing else', async (t) => {
  const { root, host } = nodeIn(t, { etc: { snapshot: 'old' } })
  async function* failing() {
    yield Buffer.from('half')
    throw new Error('etcd hung up')
  }
  await t.rejects(host.replaceStream('/etc/snapshot', failing(), { mode: 0o600 }), /hung up/)
  t.equal(readFileSync(join(root, 'etc/snapshot'), 'utf8'), 'old')
  t.same(readdirSync(join(root, 'etc')), ['snapshot'])
  async function* whole() {
    yield Buffer.from('12')
    yield Buffer.from('345')
  }
  t.equal(await host.replaceStream('/etc/snapshot', whole(), { mode: 0o600 }), 5)
  t.equal(readFileSync(join(root, 'etc/snapshot'), 'utf8'), '12345')
})

t.test('symbolic links are refused where they would be followed blindly', async (t) => {
  const { root, host } = nodeIn(t, { etc: { target: 'precious' } })
  symlinkSync('target', join(root, 'etc/link'))
  await t.rejects(host.replace('/etc/link', Buffer.from('x'), { mode: 0o600 }), { code: 'SYMLINK_REFUSED' })
  await t.rejects(host.read('/etc/link'), { code: 'SYMLINK_REFUSED' })
  t.equal(readFileSync(join(root, 'etc/target'), 'utf8'), 'precious')
  t.equal((await host.read('/etc/link', { followLinks: true }))?.bytes.toString(), 'precious')
})

t.test('an absolute link of a simulated node means its own root', async (t) => {
  const { root, host } = nodeIn(t, { etc: { target: 'inside' } })
  symlinkSync('/etc/target', join(root, 'etc/current.pem'))
  t.equal((await host.read('/etc/current.pem', { followLinks: true }))?.bytes.toString(), 'inside')
  symlinkSync('/etc/loop', join(root, 'etc/loop'))
  await t.rejects(host.read('/etc/loop', { followLinks: true }), { code: 'SYMLINK_REFUSED' })
})

t.test('no path leads out of a simulated node', async (t) => {
  const { root, host } = nodeIn(t)
  const outside = t.testdirName
  mkdirSync(join(root, 'etc/inside'))
  symlinkSync('/tmp', join(root, 'etc/escape'))
  const escaped = `quorate-escaped-${process.pid}`
  await t.rejects(host.replace(`/etc/escape/${escaped}`, Buffer.from('x'), { mode: 0o600 }), {
    code: 'SYMLINK_REFUSED',
  })
  await t.rejects(host.read(`/etc/escape/${escaped}`), { code: 'SYMLINK_REFUSED' })
  await t.rejects(host.list(`/etc/escape/${escaped}`), { code: 'SYMLINK_REFUSED' })
  t.notOk(existsSync(`/tmp/${escaped}`))
  t.ok(host.realPath('/../../etc/passwd').startsWith(outside), 'dots do not climb')
  t.throws(() => host.realPath('etc/passwd'), { code: 'NOT_IN_TABLE' })
})

t.test('what is not there is undefined, empty or silent', async (t) => {
  const { host } = nodeIn(t)
  t.equal(await host.read('/etc/kubernetes/admin.conf'), undefined)
  t.same(await host.list('/etc/kubernetes'), [])
  await host.remove('/etc/kubernetes/admin.conf')
  await host.remove('/etc/kubernetes', { recursive: true })
})

t.test('folders are listed with the kind of each entry and removed as a whole', async (t) => {
  const { root, host } = nodeIn(t, { etc: { kubernetes: { 'a.conf': '', 'b.conf': '' } } })
  symlinkSync('a.conf', join(root, 'etc/kubernetes/link'))
  t.same(await host.list('/etc/kubernetes'), [
    { name: 'a.conf', kind: 'file' },
    { name: 'b.conf', kind: 'file' },
    { name: 'link', kind: 'symlink' },
  ])
  await host.remove('/etc/kubernetes', { recursive: true })
  t.notOk(existsSync(join(root, 'etc/kubernetes')))
  await t.rejects(host.remove('/', { recursive: true }), { code: 'NOT_IN_TABLE' })
})

t.test('a folder is no file, and disk space is asked where the path would be', async (t) => {
  const { host } = nodeIn(t)
  await t.rejects(host.read('/etc'), { code: 'NOT_IN_TABLE' })
  await t.rejects(host.replace('/etc', Buffer.from(''), { mode: 0o600 }), { code: 'NOT_IN_TABLE' })
  const space = await host.diskSpace('/var/lib/etcd')
  t.ok(space !== undefined && space.sizeBytes > 0 && space.freeBytes <= space.sizeBytes)
  t.equal(space?.readOnly, false)
})

t.test('programs run without a shell, and their end is told as it was', async (t) => {
  const { root, host } = nodeIn(t)
  const run = (file: string, args: string[], timeoutMs = 5000) => host.run({ file, args, timeoutMs })
  t.equal((await run('printf', ['%s', '$(id); `id`'])).stdout, '$(id); `id`')
  t.match(await run('sh', ['-c', 'echo out; echo err >&2; exit 3']), { exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
  t.equal((await run('sh', ['-c', 'kill -TERM $$'])).exitCode, 143)
  t.equal((await run('no-such-program', [])).exitCode, 127)
  t.equal((await run('sh', ['-c', 'echo $TZ $LC_ALL $QUORATE_HOST_ROOT'])).stdout, `UTC C ${root}\n`)
  await t.rejects(run('sleep', ['30'], 50), { code: 'COMMAND_FAILED' })
  const stop = new AbortController()
  const stopped = host.run({ file: 'sleep', args: ['30'], timeoutMs: 30_000 }, stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(stopped, /enough/)
  writeFileSync(join(root, 'etc/x'), '')
})

/** A node whose systemd-run writes down what it was asked, gives a file to another owner if that is possible here, or fails. */
function nodeWithUnits(t: Test, script: string) {
  const root = t.testdir({ bin: {}, etc: { 'admin.conf': 'old' } })
  writeFileSync(join(root, 'bin/systemd-run'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const path = process.env['PATH']
  process.env['PATH'] = `${root}/bin:${path}`
  t.teardown(() => {
    process.env['PATH'] = path
  })
  return { root, file: join(root, 'etc/admin.conf') }
}

const another = { mode: 0o640, uid: 1234, gid: 1234, exact: true }

t.test('another owner is given by a unit, to the open file, before it takes its place', async (t) => {
  const { root, file } = nodeWithUnits(
    t,
    `for last; do :; done; echo "$@" > "$0.asked"; readlink "$last" > "$0.file"; cat "$last" > "$0.bytes"`,
  )
  await new LinuxHost(root).replace('/etc/admin.conf', Buffer.from('new'), another)
  const noted = (what: string): string => readFileSync(join(root, `bin/systemd-run.${what}`), 'utf8')
  t.match(noted('asked'), new RegExp(`-- chown \\+1234:\\+1234 /proc/${process.pid}/fd/\\d+\\n$`))
  t.match(noted('file'), /\/etc\/\.admin\.conf\.quorate-[0-9a-f]{8}$/m)
  t.equal(noted('bytes'), 'new')
  t.equal(readFileSync(file, 'utf8'), 'new')
})

t.test('where no unit can be started, a file that belongs to another owner stays as it is', async (t) => {
  const { root, file } = nodeWithUnits(t, 'echo "Failed to connect to bus" >&2; exit 1')
  await t.rejects(new LinuxHost().replace(file, Buffer.from('new'), another), {
    code: 'COMMAND_FAILED',
    message: `${file} was not given to 1234:1234: Failed to connect to bus`,
  })
  t.equal(readFileSync(file, 'utf8'), 'old')
  t.same(readdirSync(join(root, 'etc')), ['admin.conf'], 'no temporary file stays')
})

t.test('a folder and a link are given to another owner as they are, not what a link leads to', async (t) => {
  const { root } = nodeWithUnits(t, 'for last; do :; done; readlink "$last" >> "$0.given"')
  const host = new LinuxHost(root)
  await host.makeFolder('/etc/pki', another)
  await host.makeLink('/etc/link', 'admin.conf', { uid: 1234, gid: 1234 })
  const given = readFileSync(join(root, 'bin/systemd-run.given'), 'utf8')
  t.same(given.trim().split('\n'), [join(root, 'etc/pki'), join(root, 'etc/link')])
})
