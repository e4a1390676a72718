import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { releaseBefore } from '@quorate/shared/release'
import { version } from '@quorate/shared/version'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))
const kept = join(root, 'test/fixtures/releases')
const buf = join(root, 'node_modules/.bin/buf')
const present = version.split('.', 2).join('.')

/** What breaks programs of a release that speak to those of these protos, as Buf says it; empty if nothing does. */
function broken(protos: string, release: string, folder: string): string {
  const image = join(folder, 'present.binpb')
  execFileSync(buf, ['build', '--path', 'proto/quorate', '--exclude-source-info', '-o', image], { cwd: protos })
  const against = join(kept, release, 'protos.binpb')
  const { status, stdout, stderr } = spawnSync(buf, ['breaking', image, '--against', against], { cwd: root })
  return status === 0 ? '' : `${stdout}${stderr}`
}

t.test('the protos of each release are kept, from the first one on', async (t) => {
  const releases = readdirSync(kept).filter((name) => /^\d/.test(name))
  t.ok(releases.includes(releaseBefore ?? present), 'npx buf build, as the README there says')
})

t.test('programs of the release before understand those of this one', async (t) => {
  t.equal(broken(root, releaseBefore ?? present, t.testdir({})), '')
})

t.test('a field with another number, and a call that is gone, would be found', async (t) => {
  const folder = t.testdir({})
  for (const name of ['proto', 'buf.yaml']) cpSync(join(root, name), join(folder, name), { recursive: true })
  const place = join(folder, 'proto/quorate/v1/node_agent.proto')
  const text = readFileSync(place, 'utf8')
  const [call] = /^ {2}rpc MeasureDisk\(.*$/m.exec(text) ?? ['']
  t.ok(text.includes('string folder = 1;') && call !== '')
  writeFileSync(place, text.replace('string folder = 1;', 'string folder = 77;').replace(call, ''))
  const said = broken(folder, releaseBefore ?? present, folder)
  t.match(said, /"folder"|field "1"|MeasureDiskResponse/)
  t.match(said, /MeasureDisk/)
})
