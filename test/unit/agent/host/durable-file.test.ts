import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openAppendFile } from '../../../../agent/src/host/append-file.js'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { FaultyDisk } from '../../../support/faulty-disk.js'

const path = '/etc/kubernetes/admin.conf'

function nodeWith(t: Test) {
  const root = t.testdir({ etc: { kubernetes: { 'admin.conf': 'old' } } })
  const disk = new FaultyDisk()
  return { real: join(root, path), folder: join(root, 'etc/kubernetes'), disk, host: new LinuxHost(root, disk) }
}

t.test('bytes, then their name, then the folder: in this order on the disk', async (t) => {
  const { host, disk, real } = nodeWith(t)
  await host.replace(path, Buffer.from('new'), { mode: 0o600 })
  t.same(disk.calls, [
    'open .admin.conf.quorate-*',
    'write .admin.conf.quorate-*',
    'sync .admin.conf.quorate-*',
    'rename admin.conf',
    'open kubernetes',
    'sync-folder kubernetes',
  ])
  t.equal(disk.afterPowerCut(real), 'new')
})

for (const [call, code] of [
  ['open', 'EROFS'],
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['sync', 'EIO'],
  ['rename', 'EROFS'],
] as const) {
  t.test(`${code} on ${call}: the old file whole, no other, and the system's own words`, async (t) => {
    const { host, disk, real, folder } = nodeWith(t)
    disk.fail(call, code)
    await t.rejects(host.replace(path, Buffer.from('new'), { mode: 0o600 }), { code, message: new RegExp(code) })
    disk.heal()
    t.equal(readFileSync(real, 'utf8'), 'old')
    t.same(readdirSync(folder), ['admin.conf'])
    await host.replace(path, Buffer.from('new'), { mode: 0o600 })
    t.equal(readFileSync(real, 'utf8'), 'new')
  })
}

t.test('a folder that cannot be synced is no success, though the name is there', async (t) => {
  const { host, disk } = nodeWith(t)
  disk.fail('sync-folder', 'EIO')
  await t.rejects(host.replace(path, Buffer.from('new'), { mode: 0o600 }), { code: 'EIO' })
})

t.test('a disk that refuses even the tidying: what is told is the first refusal', async (t) => {
  const { host, disk } = nodeWith(t)
  disk.fail('sync', 'EIO')
  disk.fail('unlink', 'EROFS')
  await t.rejects(host.replace(path, Buffer.from('new'), { mode: 0o600 }), { code: 'EIO' })
})

t.test('exact: the mode and owner given hold also over a file that is there', async (t) => {
  const { host, real } = nodeWith(t)
  chmodSync(real, 0o644)
  await host.replace(path, Buffer.from('a'), { mode: 0o600 })
  t.equal(statSync(real).mode & 0o7777, 0o644)
  await host.replace(path, Buffer.from('b'), { mode: 0o600, exact: true })
  t.equal(statSync(real).mode & 0o7777, 0o600)
})

/** A file system of 64 KiB that is truly full when it is full; undefined without the right to mount one. */
function tinyDisk(): string | undefined {
  const [mount, unmount] = ['mount', 'umount'] as const
  const folder = mkdtempSync(join(tmpdir(), 'quorate-tiny-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  try {
    execFileSync(mount, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  t.teardown(() => execFileSync(unmount, [folder]))
  return folder
}

const tiny = tinyDisk()
const skip = tiny === undefined ? 'this needs the right to mount a tmpfs' : false

t.test('a disk that is truly full', { skip }, async (t) => {
  const folder = tiny ?? ''
  writeFileSync(join(folder, 'file'), 'old')
  const host = new LinuxHost(folder)
  await t.rejects(host.replace('/file', Buffer.alloc(100_000), { mode: 0o600 }), { code: 'ENOSPC' })
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'old')
  t.same(readdirSync(folder), ['file'])
  const ledger = await openAppendFile(join(folder, 'ledger'))
  await ledger.append('first')
  await t.rejects(ledger.append('x'.repeat(100_000)), { code: 'ENOSPC' })
  await t.rejects(
    ledger.rewrite(() => ['y'.repeat(100_000)]),
    { code: 'ENOSPC' },
  )
  await ledger.append('second')
  await ledger.close()
  t.equal(readFileSync(join(folder, 'ledger'), 'utf8'), 'first\nsecond\n')
  t.same(readdirSync(folder).sort(), ['file', 'ledger'])
})
