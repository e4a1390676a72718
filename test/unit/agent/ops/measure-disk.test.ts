import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { measureDisk } from '../../../../agent/src/ops/measure-disk.js'
import { FaultyDisk } from '../../../support/faulty-disk.js'
import { OpsNode } from '../../../support/ops-node.js'

const never = new AbortController().signal
const wish = { writes: 20, bytes: 2_300, limitMs: 10_000 }

t.test('the disk of a joiner is measured beside the place where its etcd will live, and nothing is left', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/var/lib/dpkg', 'x')
  const seen = await measureDisk.run({ limitMs: 0, sequential: false }, node.tools, never)
  t.equal(seen.folder, '/var/lib')
  t.ok(seen.writes > 0)
  t.ok(seen.p99Us >= seen.medianUs && seen.medianUs > 0)
  t.same(readdirSync(node.path('/var/lib')), ['dpkg'])
})

t.test("etcd's own folder is not written into, and the time that was given is kept to", async (t) => {
  const node = await OpsNode.make(t)
  node.write('/var/lib/etcd/member/wal/0.wal', 'x')
  const host = new LinuxHost(node.root)
  let asked = 0
  const slow = {
    ...node.tools,
    host: Object.assign(host, {
      syncLatency: async (_path: string, given: { limitMs: number }) => {
        asked = given.limitMs
        return { folder: '/var/lib', took: [1, 2, 400] }
      },
    }),
  }
  t.same(await measureDisk.run({ limitMs: 200, sequential: false }, slow, never), {
    folder: '/var/lib',
    writes: 3,
    leastUs: 1_000,
    medianUs: 2_000,
    p99Us: 400_000,
    bytesPerSecond: 0,
  })
  t.equal(asked, 200)
  await measureDisk.run({ limitMs: 600_000, sequential: false }, slow, never)
  t.equal(asked, 500, 'never longer, whatever is asked for')
  t.same(readdirSync(node.path('/var/lib/etcd')), ['member'])
})

t.test('each record is durable before the next; a disk that fails leaves nothing behind', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'quorate-disk-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const disk = new FaultyDisk()
  const { took } = await new LinuxHost(root, disk).syncLatency('/etcd', wish)
  t.equal(took.length, wish.writes)
  const calls = disk.calls.filter((call) => /^(write|sync) /.test(call)).map((call) => call.split(' ')[0])
  t.same(
    calls,
    Array.from({ length: 2 * wish.writes }, (_, index) => (index % 2 === 0 ? 'write' : 'sync')),
  )
  t.same(readdirSync(root), [])
  const none = await new LinuxHost(root, disk).syncLatency('/etcd', { ...wish, limitMs: 0 })
  t.equal(none.took.length, 3, 'a few, however short the time')
  disk.fail('write', 'ENOSPC')
  await t.rejects(new LinuxHost(root, disk).syncLatency('/etcd', wish), { code: 'ENOSPC' })
  t.same(readdirSync(root), [])
})

t.test('how fast a long file is written: in one go, durable once, and nothing is left', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'quorate-disk-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const disk = new FaultyDisk()
  const { folder, bytesPerSecond } = await new LinuxHost(root, disk).writeRate('/var/lib/etcd', 0)
  t.equal(folder, '/')
  t.ok(bytesPerSecond > 0)
  const calls = disk.calls.filter((call) => /^(write|sync) /.test(call)).map((call) => call.split(' ')[0])
  t.same(calls, ['write', 'sync'], 'no more than there is time for, but one in any case')
  t.same(readdirSync(root), [])
  const node = await OpsNode.make(t)
  t.ok((await measureDisk.run({ limitMs: 0, sequential: true }, node.tools, never)).bytesPerSecond > 0)
})

t.test('two who measure at the same time do not meet', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'quorate-disk-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const host = new LinuxHost(root)
  const all = Array.from({ length: 8 }, () => host.syncLatency('/etcd', { ...wish, writes: 3 }))
  t.same(
    (await Promise.all(all)).map(({ took }) => took.length),
    Array.from({ length: 8 }, () => 3),
  )
  t.same(readdirSync(root), [])
})
