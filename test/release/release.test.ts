/**
 * `npm run test:release`: two releases of this tree, made in two folders by two users with other umasks, time zones, locales and days, are the same
 * bytes; and what is in them holds. Needs root and the programs that .ci/run installs. QUORATE_RELEASE_ONLY: names of executables, for less of it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import t from 'tap'
import { architectures } from '../../packaging/programs.js'
import { checkout, release, type Surroundings } from './checkout.js'
import { OtherRoot } from './other-root.js'
import { attempt, must } from './run.js'

const only = (process.env['QUORATE_RELEASE_ONLY'] ?? '').split(' ').filter(Boolean)
const all = ['quorate-x64', 'quorate-arm64', 'quorate-agent-x64', 'quorate-agent-arm64']
const executables = only.length === 0 ? all : only
const has = (name: string) => (executables.includes(name) ? false : 'not made by this trial')

const here: Surroundings = { user: 0, umask: '022', zone: 'UTC', language: 'C.UTF-8', days: 0 }
const elsewhere: Surroundings = { user: 65_534, umask: '077', zone: 'Pacific/Kiritimati', language: 'C', days: 45 }

const folder = t.testdir()
// The other user has to reach its own checkout.
must('chmod', ['755', folder])
const key = join(folder, 'key')
must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'release', '-f', key])
// Both before any of them is built: this tree may be worked on meanwhile.
const [one, other] = [checkout(join(folder, 'one'), here), checkout(join(folder, 'a-second-one'), elsewhere)]
const out = release(one, here, { only, key })
const path = (name: string) => join(out, name)
const text = (name: string) => readFileSync(path(name), 'utf8')
const named = (pattern: RegExp) =>
  [...text('SHA256SUMS').matchAll(/ {2}(.*)\n/g)].flatMap(([, name = '']) => (pattern.test(name) ? [name] : []))

t.test('two checkouts give the same bytes, in each form', (t) => {
  const again = release(other, elsewhere, { only })
  t.equal(readFileSync(join(again, 'SHA256SUMS'), 'utf8'), text('SHA256SUMS'))
  t.equal(named(/-(?:x64|arm64)$|\.deb$|\.rpm$/).length, executables.length * 3, 'executable, deb and rpm of each')
  must('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: out })
  rmSync(other, { recursive: true, force: true })
  t.end()
})

t.test('the signature holds, and one flipped byte ends that', (t) => {
  const allowed = join(folder, 'allowed_signers')
  writeFileSync(allowed, `release namespaces="quorate-release" ${readFileSync(`${key}.pub`, 'utf8')}`)
  const verified = (sums: string) =>
    attempt(
      'ssh-keygen',
      ['-Y', 'verify', '-f', allowed, '-I', 'release', '-n', 'quorate-release', '-s', path('SHA256SUMS.sig')],
      { input: sums },
    ).status === 0
  const summed = () =>
    attempt('sha256sum', ['--check', '--strict', '--status', 'SHA256SUMS'], { cwd: out }).status === 0
  t.ok(verified(text('SHA256SUMS')) && summed())
  const flipped = (bytes: Buffer) =>
    bytes.fill((bytes[bytes.length >> 1] ?? 0) ^ 1, bytes.length >> 1, (bytes.length >> 1) + 1)
  t.notOk(verified(flipped(readFileSync(path('SHA256SUMS'))).toString('latin1')), 'a byte of SHA256SUMS')
  for (const name of [named(/\.deb$/)[0] ?? '', 'provenance.json']) {
    const bytes = readFileSync(path(name))
    writeFileSync(path(name), flipped(Buffer.from(bytes)))
    t.notOk(summed(), `a byte of ${name}`)
    writeFileSync(path(name), bytes)
  }
  t.ok(summed())
  t.end()
})

t.test('the provenance statement names each file with its hash, and the SBOMs are CycloneDX', async (t) => {
  const { subject, predicate } = JSON.parse(text('provenance.json'))
  const sums = subject.map(
    ({ name, digest }: { name: string; digest: { sha256: string } }) => `${digest.sha256}  ${name}\n`,
  )
  t.equal(sums.join(''), text('SHA256SUMS').replace(/^.* {2}provenance\.json\n/m, ''))
  const commit = must('git', ['-C', one, 'rev-parse', 'HEAD']).trim()
  t.equal(predicate.buildDefinition.resolvedDependencies[0].digest.gitCommit, commit)
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
  for (const name of named(/\.cdx\.json$/)) {
    t.equal(await validator.validate(text(name)), null, name)
    const names = JSON.parse(text(name)).components.map(({ name }: { name: string }) => name)
    t.ok(names.includes('@grpc/grpc-js') && names.includes('node'), name)
  }
})

t.test('executables start: x64 here, arm64 under qemu', (t) => {
  const { version } = JSON.parse(readFileSync(join(one, 'package.json'), 'utf8'))
  for (const name of executables) {
    const { emulator } = architectures[name.endsWith('arm64') ? 'arm64' : 'x64']
    const [program = '', ...args] = [...emulator, path(name), '--version']
    t.equal(must(program, args), `${version}\n`, name)
  }
  t.end()
})

t.test('what V8 compiled at the build is taken at the start', (t) => {
  const listener = join(folder, 'listener.cjs')
  writeFileSync(listener, "process.on('warning', ({ message }) => console.error(message))\n")
  const started = (name: string, options: string) => {
    const { emulator } = architectures[name.endsWith('arm64') ? 'arm64' : 'x64']
    const [program = '', ...args] = [...emulator, path(name), '--version']
    return attempt('env', [`NODE_OPTIONS=--require=${listener} ${options}`, program, ...args]).stderr
  }
  for (const name of executables) t.equal(started(name, ''), '', name)
  const [name = ''] = executables
  t.match(started(name, '--stack-trace-limit=30'), /rejected/, 'with other flags it is not: the listener would hear it')
  t.end()
})

t.test('lintian finds no error', (t) => {
  const said = attempt('lintian', ['--fail-on=error', '--allow-root', ...named(/\.deb$/).map(path)])
  t.equal(said.status, 0, said.stdout + said.stderr)
  t.end()
})

t.test('manual pages are without errors', (t) => {
  const at = join(folder, 'pages')
  for (const deb of named(/\.deb$/)) must('dpkg-deb', ['--extract', path(deb), at])
  for (const page of must('find', [join(at, 'usr/share/man'), '-type', 'f'])
    .trim()
    .split('\n')) {
    const said = attempt('sh', ['-c', `zcat "$1" | groff -man -Tutf8 -ww >${join(folder, 'page')}`, 'sh', page])
    t.same([said.status, said.stderr], [0, ''], page)
    t.match(readFileSync(join(folder, 'page'), 'utf8'), /completion|open/, page)
  }
  t.end()
})

t.test('rpm installs into a root folder', { skip: has('quorate-agent-x64') }, (t) => {
  const root = new OtherRoot(join(folder, 'rpm'), out)
  const rpm = `/release/${named(/^quorate-agent-\d.*x86_64\.rpm$/)[0]}`
  const enabled = 'systemctl is-enabled quorate-agent || true'
  t.equal(root.sh(`rpm --install --nodeps ${rpm} >&2; quorate-agent --version >&2; ${enabled}`), 'disabled\n')
  t.equal(root.sh('stat -c "%a %U" /etc/quorate /usr/bin/quorate-agent'), '750 root\n755 root\n')
  t.equal(root.sh('rpm --verify --nodeps quorate-agent'), '', 'files are as the package has them')
  root.sh('rpm --erase quorate-agent; test ! -e /usr/bin/quorate-agent')
  root.sh(writeIdentity)
  t.equal(root.sh(`rpm --install --nodeps ${rpm} >&2; ${enabled}`), 'enabled\n', 'with an identity')
  t.equal(root.sh('rpm --erase quorate-agent; cat /etc/quorate/node.key'), 'own\n', 'which stays')
  t.end()
})

const writeIdentity = 'mkdir -p /etc/quorate; for f in agent.yaml node.crt node.key; do echo own >/etc/quorate/$f; done'
const installed = (deb: string) => `DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --install ${deb} >&2`

t.test('the agent is enabled only with an identity; purge is clean', { skip: has('quorate-agent-x64') }, (t) => {
  const root = new OtherRoot(join(folder, 'agent'), out)
  const deb = `/release/${named(/^quorate-agent_.*_amd64\.deb$/)[0]}`
  const enabled = 'systemctl is-enabled quorate-agent || true'
  t.equal(root.sh(`${installed(deb)}; ${enabled}`), 'disabled\n', 'without one')
  root.sh('dpkg --purge quorate-agent')
  root.sh(writeIdentity)
  t.equal(root.sh(`${installed(deb)}; ${enabled}`), 'enabled\n', 'with one')
  t.equal(
    root.sh(`systemctl disable quorate-agent >&2; ${installed(deb)}; ${enabled}`),
    'disabled\n',
    'an operator disabled it',
  )
  t.equal(root.sh(`systemctl enable quorate-agent >&2; ${installed(deb)}; ${enabled}`), 'enabled\n')
  t.equal(root.sh('dpkg --remove quorate-agent >&2; cat /etc/quorate/node.key'), 'own\n', 'removed, not purged')
  root.sh('mkdir -p /var/lib/quorate-agent/kept; dpkg --purge quorate-agent')
  t.equal(root.sh(leftOf('quorate-agent')), '')
  t.end()
})

t.test('an upgrade keeps a changed conffile; purge is clean', { skip: has('quorate-x64') }, (t) => {
  const root = new OtherRoot(join(folder, 'coordinator'), out)
  const deb = `/release/${named(/^quorate_.*_amd64\.deb$/)[0]}`
  const [conffile, own] = ['/etc/default/quorate-coordinator', 'QUORATE_SERVE_OPTIONS=--approvals=2']
  root.sh(installed(deb))
  t.equal(
    root.sh('stat -c "%a %U" /var/lib/quorate; systemctl is-enabled quorate-coordinator || true'),
    '700 quorate\ndisabled\n',
  )
  root.sh(`echo ${own} >${conffile}`)
  // The next version, with another default.
  root.sh(`dpkg-deb --raw-extract ${deb} /next; sed -i "s/^Version: .*/Version: 9.9-1/" /next/DEBIAN/control
    echo "# another default" >>/next${conffile}; dpkg-deb -Znone --build /next /next.deb`)
  t.equal(root.sh(`${installed('--force-confdef --force-confold /next.deb')}; cat ${conffile}`), `${own}\n`)
  t.equal(root.sh('dpkg-query --show quorate | cut --fields=2'), '9.9-1\n')
  t.equal(root.sh(`dpkg --remove quorate >&2; cat ${conffile}`), `${own}\n`, 'removed, not purged')
  root.sh('dpkg --purge quorate')
  t.equal(root.sh(`${leftOf('quorate')}; getent passwd quorate || true`), '')
  root.sh(`${installed(deb)}; mkdir -m 0700 /var/lib/quorate/fleet; dpkg --purge quorate`)
  t.equal(root.sh('ls /var/lib/quorate'), 'fleet\n', 'the keys of a fleet stay')
  t.end()
})

/** Files with the name of a program, beside what dpkg and systemd write about any package, and this project's own copy of the tree. */
const leftOf = (name: string) =>
  `find /etc /usr /var/lib /run -xdev \\( -name "${name}" -o -name "${name}.*" -o -name "_${name}" -o -name "quorate-coordinator*" -o -path "/etc/quorate" \\) -not -path "*/node_modules/*" | sort`
