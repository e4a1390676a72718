import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOrMakeToken } from '@quorate/coordinator/state/rest-token'
import t from 'tap'

const folder = () => mkdtempSync(join(tmpdir(), 'quorate-token-'))

t.test('the token is made once, for its owner only', async (t) => {
  const path = join(folder(), 'rest', 'token')
  const one = await readOrMakeToken(path)
  t.equal(await readOrMakeToken(path), one)
  t.match(one, /^[\w-]{43}$/)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(readFileSync(path, 'utf8').trim(), one)
  t.not(await readOrMakeToken(join(folder(), 'token')), one)
})

t.test('a token that others can read, or that can be guessed, is refused', async (t) => {
  const path = join(folder(), 'token')
  writeFileSync(path, 'short\n', { mode: 0o600 })
  await t.rejects(readOrMakeToken(path), { code: 'USAGE', where: path })
  writeFileSync(path, 'x'.repeat(43))
  t.equal(await readOrMakeToken(path), 'x'.repeat(43))
  chmodSync(path, 0o640)
  await t.rejects(readOrMakeToken(path), { code: 'USAGE', remedy: /chmod 600/ })
})
