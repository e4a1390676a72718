import { execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { readFileAtMost } from '@quorate/coordinator/config/read-file-at-most'
import { approvalStore } from '@quorate/coordinator/state/approvals'
import { requestFolder } from '@quorate/coordinator/state/request-folder'
import t from 'tap'

t.test('a file up to its limit, a pipe to its end, and nothing beyond', async (t) => {
  const folder = t.testdir({ file: 'x'.repeat(100) })
  const path = join(folder, 'file')
  t.equal(await readFileAtMost(path, 100), 'x'.repeat(100))
  await t.rejects(readFileAtMost(path, 99), { code: 'FILE_TOO_LARGE', where: path })
  await t.rejects(readFileAtMost('/dev/zero', 99), { code: 'FILE_TOO_LARGE' })
  await t.rejects(readFileAtMost(join(folder, 'none'), 99), { code: 'ENOENT' })
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const writer = spawn('sh', ['-c', 'printf secret > "$0"', pipe])
  t.equal(await readFileAtMost(pipe, 99), 'secret')
  writer.kill()
})

t.test('files that others wrote are not read without end', async (t) => {
  await t.rejects(readClusterFile('/dev/zero'), { code: 'CLUSTER_FILE_INVALID', message: /FILE_TOO_LARGE/ })
  const folder = t.testdir({ approvals: {}, runs: { r: { csr: { kubernetes: { cp1: {} } } } } })
  writeFileSync(join(folder, 'approvals/a.json'), Buffer.alloc(100_000))
  t.same(await approvalStore(join(folder, 'approvals')).list(), [])
  writeFileSync(join(folder, 'runs/r/csr/kubernetes/cp1/a.crt'), Buffer.alloc(300_000))
  const place = { node: 'cp1', name: 'a', ca: 'kubernetes' } as never
  await t.rejects(requestFolder({ runs: join(folder, 'runs') }, 'r').readCertificate(place), { code: 'FILE_TOO_LARGE' })
})
