import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'

t.test('a file is read up to a limit, which its caller may raise', async (t) => {
  const root = t.testdir({ exact: 'a'.repeat(1000), empty: '' })
  const host = new LinuxHost(root)
  t.equal((await host.read('/exact', { mostBytes: 1000 }))?.bytes.length, 1000)
  t.equal((await host.read('/empty'))?.bytes.length, 0)
  await t.rejects(host.read('/exact', { mostBytes: 999 }), {
    code: 'FILE_TOO_LARGE',
    where: '/exact',
    message: '/exact has 1000 bytes; Quorate reads at most 999 of such a file',
  })
})

t.test('a file that has no bytes on the disk is too large all the same, and nothing of it is read', async (t) => {
  const root = t.testdir()
  mkdirSync(join(root, 'root/.kube'), { recursive: true })
  writeFileSync(join(root, 'root/.kube/config'), '')
  truncateSync(join(root, 'root/.kube/config'), 1.5 * 2 ** 30)
  const before = process.memoryUsage().arrayBuffers
  await t.rejects(new LinuxHost(root).read('/root/.kube/config'), { code: 'FILE_TOO_LARGE' })
  t.ok(process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20)
})

t.test('a file that grows while it is read ends at the limit', async (t) => {
  const root = t.testdir({ log: 'a' })
  let isGrowing = true
  const growing = (async () => {
    while (isGrowing) await appendFile(join(root, 'log'), 'a'.repeat(20_000))
  })()
  const host = new LinuxHost(root)
  while (
    await host.read('/log', { mostBytes: 200_000 }).then(
      (file) => (file?.bytes.length ?? 0) <= 200_000,
      (error) => {
        t.equal(error.code, 'FILE_TOO_LARGE')
        return false
      },
    )
  );
  isGrowing = false
  await growing
})

t.test('files of /proc say that they have no bytes', async (t) => {
  const file = await new LinuxHost().read('/proc/self/status')
  t.match(file?.bytes.toString('utf8'), /^Name:/)
  await t.rejects(new LinuxHost().read('/proc/self/status', { mostBytes: 10 }), { code: 'FILE_TOO_LARGE' })
})
