import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ArchivedFile, readArchive, writeArchive } from '../../../../agent/src/ops/backup/archive.js'

const file = (path: string, text: string, mode = 0o600): ArchivedFile => ({
  path,
  mode,
  uid: 0,
  gid: 42,
  bytes: Buffer.from(text),
})
const pack = (files: readonly ArchivedFile[]): Buffer => Buffer.concat([...writeArchive(files)])
const long = `files/${'deep/'.repeat(30)}${'n'.repeat(80)}`

t.test('tar reads what was written', async (t) => {
  const path = join(t.testdir(), 'archive.tar')
  writeFileSync(path, pack([file('files/etc/hosts', 'x'.repeat(700), 0o644), file('a', ''), file(long, 'far down')]))
  const listed = execFileSync('tar', ['--numeric-owner', '-tvf', path], { encoding: 'utf8' })
  t.match(listed, /^-rw-------\s+0\/42\s+0 .* a\n[\s\S]*\n-rw-r--r--\s+0\/42\s+700 /)
  t.equal(execFileSync('tar', ['-xOf', path, long], { encoding: 'utf8' }), 'far down')
})

t.test('comes back as it was, and is the same bytes for the same files', async (t) => {
  const files = [file('b', 'two'), file(long, 'three'), file('a', 'x'.repeat(512))]
  t.strictSame(
    readArchive(pack(files)).map(({ path, bytes, mode, gid }) => [path, bytes.toString(), mode, gid]),
    [
      ['a', 'x'.repeat(512), 0o600, 42],
      ['b', 'two', 0o600, 42],
      [long, 'three', 0o600, 42],
    ],
  )
  t.ok(pack(files).equals(pack([...files].reverse())))
})

t.test('refuses what it did not write', async (t) => {
  const whole = pack([file('a', 'text')])
  t.throws(() => readArchive(whole.subarray(0, 600)), { code: 'INVALID_REQUEST' })
  const bent = Buffer.from(whole)
  bent[0] = 0x62
  t.throws(() => readArchive(bent), { code: 'INVALID_REQUEST' }, 'a changed header')
  const folder = join(t.testdir({ link: t.fixture('symlink', '/etc/shadow') }), 'link')
  const linked = execFileSync('tar', ['--format=ustar', '-cf', '-', '-C', join(folder, '..'), 'link'])
  t.throws(() => readArchive(linked), /more than regular files/, 'a link could lead anywhere')
  t.throws(() => pack([file('n'.repeat(101), '')]), { code: 'NOT_IN_TABLE' })
})
