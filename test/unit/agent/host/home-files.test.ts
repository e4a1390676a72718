import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { ExchangingDisk, eve, Home, isRoot, makeFifo, mallory } from '../../../support/exchanges.js'
import { installPrograms } from '../../../support/systemd-programs.js'

const config = '/home/eve/.kube/config'
const rootsConfig = '/root/.kube/config'
const asRoot = isRoot ? {} : { skip: 'owners are changed by root only' }

/** A node with the file of a user and one of root's. */
function node(t: Test) {
  const root = t.testdir({ home: { eve: {} } })
  chmodSync(join(root, 'home/eve'), 0o755)
  if (isRoot) chownSync(join(root, 'home/eve'), eve, eve)
  installPrograms(join(root, 'bin'), {})
  const home = new Home(root)
  home.put(config, 'of eve', { uid: eve, mode: 0o644 })
  home.put(rootsConfig, 'the key of root')
  const disk = new ExchangingDisk()
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  return { root, home, disk, host: new LinuxHost(root, disk), read, of: (path: string) => statSync(join(root, path)) }
}

const bytes = Buffer.from('new')
const options = { mode: 0o600 }

t.test('files of users are read, listed, replaced and removed, with owner and mode', async (t) => {
  const { root, host, read, of } = node(t)
  t.match(await host.read(config), { mode: 0o644, uid: isRoot ? eve : process.getuid?.() })
  t.same(await host.list('/home/eve/.kube'), [{ name: 'config', kind: 'file' }])
  await host.replace(config, bytes, options)
  t.equal(read(config), 'new')
  t.match(of(config), { mode: 0o100644, uid: isRoot ? eve : process.getuid?.() })
  t.same(readdirSync(join(root, 'home/eve/.kube')), ['config'])
  await host.remove(config)
  await host.remove(config)
  t.equal(await host.read(config), undefined)
  t.equal(await host.removeEmptyFolder('/home/eve/.kube'), true)
  t.equal(await host.removeEmptyFolder('/home/eve/.kube'), false)
  t.same(await host.list('/home/eve/.kube'), [])
  t.equal(await host.read('/home/nobody/.kube/config'), undefined)
  writeFileSync(join(root, 'home/eve/.kube'), 'a file')
  t.same([await host.list('/home/eve/.kube'), await host.read(config)], [[], undefined])
})

t.test('a folder that is gone is made for its user', async (t) => {
  const { root, host, of } = node(t)
  rmSync(join(root, 'home/eve/.kube'), { recursive: true })
  const uid = isRoot ? eve : process.getuid?.()
  await host.replace(config, bytes, { mode: 0o600, exact: true, ...(isRoot ? { uid: eve, gid: eve } : {}) })
  t.match(of('/home/eve/.kube'), { mode: 0o40700, uid })
  t.match(of(config), { mode: 0o100600, uid })
})

t.test('a folder with contents in the place of the one just made is not given away', asRoot, async (t) => {
  const { root, disk, host, of } = node(t)
  rmSync(join(root, 'home/eve/.kube'), { recursive: true })
  mkdirSync(join(root, 'home/eve/of-root'), { mode: 0o700 })
  writeFileSync(join(root, 'home/eve/of-root/secret'), '')
  // The first look finds none, the second is at the new one.
  disk.before('open', /\.kube$/, () => {
    disk.before('open', /\.kube$/, () => {
      renameSync(join(root, 'home/eve/.kube'), join(root, 'home/eve/made'))
      renameSync(join(root, 'home/eve/of-root'), join(root, 'home/eve/.kube'))
    })
  })
  await host.replace(config, bytes, options)
  t.ok(disk.allMet)
  t.equal(of('/home/eve/.kube').uid, 0)
})

for (const [what, exchange] of [
  ['.kube', ({ linkFolder }: Home) => linkFolder()],
  [
    'the home',
    ({ folder }: Home) => {
      renameSync(join(folder, '..'), join(folder, '../../eve-own'))
      symlinkSync('../root', join(folder, '..'))
    },
  ],
] as const) {
  t.test(
    `${what} is a link to root's: refused by name, and nothing of root's is read, written or removed`,
    async (t) => {
      const { home, host, read } = node(t)
      exchange(home)
      const refused = { code: 'SYMLINK_REFUSED', message: /^\/home\/eve(\/\.kube)? is a symbolic link$/ }
      await t.rejects(host.read(config), refused)
      await t.rejects(host.read(config, { followLinks: true }), refused)
      await t.rejects(host.readStream(config), refused)
      await t.rejects(host.list('/home/eve/.kube'), refused)
      await t.rejects(host.replace(config, bytes, options), refused)
      await t.rejects(host.remove(config), refused)
      t.equal(read(rootsConfig), 'the key of root')
    },
  )
}

t.test('exchanged after it was opened: the work stays in the folder that was opened', async (t) => {
  const { home, disk, host, read } = node(t)
  const own = '/home/eve/.kube-own/config'
  disk.before('open', /config$/, home.linkFolder)
  t.equal((await host.read(config))?.bytes.toString(), 'of eve')
  home.unlinkFolder()
  for (const [call, of] of [
    ['lstat', /config$/],
    ['open', /quorate-/],
    ['rename', /quorate-/],
  ] as const) {
    disk.before(call, of, home.linkFolder)
    await host.replace(config, Buffer.from(call), options)
    t.same([read(own), read(rootsConfig)], [call, 'the key of root'], `before ${call}`)
    home.unlinkFolder()
  }
  t.ok(disk.allMet)
})

t.test('a folder that is a link while it is opened, and is exchanged back', async (t) => {
  const { home, disk, host, read } = node(t)
  home.linkFolder()
  disk.before('lstat', /\.kube$/, home.unlinkFolder)
  await t.rejects(host.replace(config, bytes, options), { code: 'UNSAFE_FILE' })
  t.same([read(config), read(rootsConfig)], ['of eve', 'the key of root'])
})

t.test('the file becomes a link: before it is opened, and before it is replaced', async (t) => {
  const { home, disk, host, read } = node(t)
  disk.before('open', /config$/, home.linkFile)
  await t.rejects(host.read(config), { code: 'SYMLINK_REFUSED', message: `${config} is a symbolic link` })
  rmSync(home.config)
  home.put(config, 'of eve', { uid: eve })
  disk.before('lstat', /config$/, home.linkFile)
  await t.rejects(host.replace(config, bytes, options), {
    code: 'SYMLINK_REFUSED',
    message: `${config} is a symbolic link`,
  })
  rmSync(home.config)
  home.put(config, 'of eve', { uid: eve })
  disk.before('rename', /quorate-/, home.linkFile)
  await host.replace(config, bytes, options)
  t.same([lstatSync(home.config).isFile(), read(config), read(rootsConfig)], [true, 'new', 'the key of root'])
})

t.test("the file becomes a hard link of root's", asRoot, async (t) => {
  const { root, home, disk, host, read } = node(t)
  const hardLink = () => {
    rmSync(home.config)
    linkSync(join(root, rootsConfig), home.config)
  }
  disk.before('open', /config$/, hardLink)
  await t.rejects(host.read(config), { code: 'UNSAFE_FILE', message: /has 2 names/ })
  await t.rejects(host.replace(config, bytes, options), { code: 'UNSAFE_FILE' })
  t.same(read(rootsConfig), 'the key of root')
  t.equal((await host.read(rootsConfig))?.bytes.toString(), 'the key of root', 'only root can have made it there')
})

t.test('a FIFO, a socket and a folder are refused, none hangs', async (t) => {
  const { home, disk, host } = node(t)
  const fifo = () => {
    rmSync(home.config)
    makeFifo(home.config)
  }
  disk.before('open', /config$/, fifo)
  const refused = { code: 'UNSAFE_FILE', message: `${config} is not a regular file` }
  await t.rejects(host.read(config), refused)
  await t.rejects(host.replace(config, bytes, options), refused)
  rmSync(home.config)
  mkdirSync(home.config)
  await t.rejects(host.read(config), refused)
  rmSync(home.folder, { recursive: true })
  makeFifo(home.folder)
  await t.rejects(host.list('/home/eve/.kube'), { code: 'UNSAFE_FILE', message: '/home/eve/.kube is not a folder' })
})

t.test('another in the place of the new file: no success is reported', async (t) => {
  const { root, disk, host, read } = node(t)
  disk.before('rename', /quorate-/, () => {
    const [name = ''] = readdirSync(join(root, 'home/eve/.kube')).filter((one) => one.includes('.quorate-'))
    rmSync(join(root, 'home/eve/.kube', name))
    symlinkSync(join(root, rootsConfig), join(root, 'home/eve/.kube', name))
  })
  await t.rejects(host.replace(config, bytes, options), { code: 'UNSAFE_FILE', message: /was exchanged/ })
  t.equal(read(rootsConfig), 'the key of root')
})

t.test(
  'the file becomes that of a third user after it was checked: the new one stays with its user',
  asRoot,
  async (t) => {
    const { home, disk, host, of } = node(t)
    disk.before('lstat', /config$/, () => chownSync(home.config, mallory, mallory))
    await host.replace(config, bytes, options)
    t.equal(of(config).uid, eve)
  },
)

t.test('a folder or file of a third user, a set-id bit, a large file', asRoot, async (t) => {
  const { root, home, host } = node(t)
  const refused = (message: RegExp) => ({ code: 'UNSAFE_FILE', message })
  chownSync(home.config, mallory, mallory)
  await t.rejects(host.read(config), refused(/config belongs to uid 65533, not to uid 65534 or root/))
  chownSync(home.config, 0, 0)
  t.ok(await host.read(config), "root's own, as sudo leaves it")
  chmodSync(home.config, 0o4600)
  await t.rejects(host.read(config), refused(/setuid/))
  chmodSync(home.config, 0o600)
  truncateSync(home.config, 1.5 * 1024 ** 3)
  await t.rejects(host.read(config), { code: 'FILE_TOO_LARGE' })
  truncateSync(home.config, 1024 ** 2)
  t.equal((await host.read(config))?.bytes.length, 1024 ** 2)
  chownSync(home.folder, mallory, mallory)
  await t.rejects(host.list('/home/eve/.kube'), refused(/\.kube belongs to uid 65533/))
  await t.rejects(host.replace(config, bytes, options), refused(/\.kube belongs to/))
  chownSync(join(root, 'home'), mallory, mallory)
  await t.rejects(host.read(config), refused(/^\/home belongs to uid 65533, not to root/))
})

t.test("root's own link in root's own folder is followed, one in a user's is not", async (t) => {
  const { root, home, host } = node(t)
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/admin.conf'), 'admin')
  rmSync(join(root, rootsConfig))
  symlinkSync('/etc/admin.conf', join(root, rootsConfig))
  t.equal((await host.read(rootsConfig, { followLinks: true }))?.bytes.toString(), 'admin')
  t.equal(await host.linkEnd(rootsConfig), '/etc/admin.conf')
  if (!isRoot) return
  home.linkFile()
  await t.rejects(host.read(config, { followLinks: true }), { code: 'SYMLINK_REFUSED' })
  rmSync(join(root, rootsConfig))
  symlinkSync(config, join(root, rootsConfig))
  await t.rejects(host.read(rootsConfig, { followLinks: true }), { code: 'SYMLINK_REFUSED' }, "by way of a user's link")
})

t.test('dots lead nowhere else, and no descriptor stays open', async (t) => {
  const { host, read } = node(t)
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  t.equal((await host.read('/home/../home/eve/.kube/../.kube/config'))?.bytes.toString(), 'of eve')
  await t.rejects(host.read('/home/eve/.kube/..'), { code: 'UNSAFE_FILE' })
  t.equal(await host.removeEmptyFolder('/home/eve/.kube/..'), false)
  await host.replace(config, bytes, options)
  await host.list('/home/eve')
  t.equal(open(), before)
  t.equal(read(config), 'new')
})

t.test('SELinux: the context goes to the file that was written, whatever has its name', async (t) => {
  const { root, host, read } = node(t)
  mkdirSync(join(root, 'sys/fs/selinux'), { recursive: true })
  writeFileSync(join(root, 'sys/fs/selinux/enforce'), '1')
  mkdirSync(join(root, 'bin'), { recursive: true })
  const script = `#!/bin/sh
for new in ${root}/home/eve/.kube/.config.quorate-*; do mv "$new" ${root}/kept; ln -s ${root}${rootsConfig} "$new"; done
readlink -f "\${1#--reference=}" "$3" > ${root}/asked
rm "$new"; mv ${root}/kept "$new"\n`
  writeFileSync(join(root, 'bin/chcon'), script, { mode: 0o755 })
  const path = process.env['PATH']
  process.env['PATH'] = `${root}/bin:${path}`
  t.teardown(() => {
    process.env['PATH'] = path
  })
  await host.replace(config, bytes, options)
  t.equal(read('/asked'), `${root}/home/eve/.kube/config\n${root}/kept\n`)
  t.equal(read(config), 'new')
  t.notOk(existsSync(join(root, 'kept')))
})
