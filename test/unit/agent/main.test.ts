import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { version } from '@quorate/shared/version'
import t, { type Test } from 'tap'
import { BackupSealing } from '../../../agent/src/host/backup-sealing.js'
import { LinuxHost } from '../../../agent/src/host/linux-host.js'
import { keepFiles } from '../../../agent/src/ops/backup/store.js'
import { clientOf, fleet } from './server/toy-agent.js'

const main = join(resolve(dirname(fileURLToPath(import.meta.url)), '../../..'), 'agent/src/main.ts')

function run(t: Test, args: string[]) {
  const child = spawn(process.execPath, ['--import=tsx', '--conditions=@quorate/source', main, ...args])
  t.teardown(() => child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk))
  const ended = once(child, 'close').then(([code]) => ({ code, ...said }))
  const serving = async () => {
    while (!said.err.includes('"serving"')) {
      if (child.exitCode !== null) throw new Error(said.err)
      await new Promise((done) => setTimeout(done, 20))
    }
  }
  return { child, ended, serving }
}

interface Identity {
  readonly ca?: KeyPair
  readonly name?: string
  readonly days?: number
}

/** A node's folder as `enroll --bundle` leaves it, on a port that was free a moment ago. */
async function enrolled(t: Test, { ca = fleet, name = 'node1.example.com', days = 1 }: Identity = {}) {
  const root = t.testdir({ etc: {}, root: { etc: { 'os-release': 'NAME=Toy\n' } } })
  const { certPem, keyPem } = issueCertificate({
    ca,
    commonName: name,
    organizations: ['quorate:node'],
    dnsNames: [name],
    ipAddresses: [],
    days,
    usage: 'server',
  })
  const spare = createServer().listen(0, '127.0.0.1')
  await once(spare, 'listening')
  const { port } = spare.address() as { port: number }
  await new Promise((done) => spare.close(done))
  const files = { 'node.crt': certPem, 'node.key': keyPem, 'fleet-ca.crt': ca.certPem }
  mkdirSync(join(root, 'etc'), { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, 'etc', file), text)
  const config = join(root, 'etc/agent.yaml')
  writeFileSync(config, `node: node1.example.com\nlisten: 127.0.0.1:${port}\nhostRoot: ${join(root, 'root')}\n`)
  return { config, port }
}

t.test('serve answers the fleet with the real operations until SIGTERM, then ends with 0', async (t) => {
  const { config, port } = await enrolled(t)
  const agent = run(t, ['serve', '--config', config])
  await agent.serving()
  const client = clientOf(t, port)
  const addresses = await new Promise((done, fail) =>
    client.resolveName({ name: 'localhost' }, (error, answer) => (error ? fail(error) : done(answer.addresses))),
  )
  t.match(addresses, [/^(127\.0\.0\.1|::1)$/])
  const recipient = await new Promise((done, fail) =>
    client.getSealingKey({}, (error, answer) => (error ? fail(error) : done(answer.recipient))),
  )
  t.match(recipient, /^age1/)
  agent.child.kill('SIGTERM')
  t.match(await agent.ended, { code: 0 })
})

t.test('an agent whose certificate has expired starts, says so, and can be renewed', async (t) => {
  const { config } = await enrolled(t, { days: -1, ca: createFleetCa('x') })
  const agent = run(t, ['serve', '--config', config])
  await agent.serving()
  agent.child.kill('SIGTERM')
  t.match(await agent.ended, { code: 0, err: /certificate of this agent has expired.*quorate renew node1/ })
})

t.test('an identity that is not this node or is missing is refused with what to do', async (t) => {
  const other = await enrolled(t, { name: 'other.example.com' })
  t.match(await run(t, ['serve', '--config', other.config]).ended, {
    code: 2,
    err: /is for other\.example\.com and not for node1/,
  })
  const nowhere = run(t, ['serve', '--config', '/nonexistent/agent.yaml'])
  t.match(await nowhere.ended, { code: 2, err: /agent\.yaml does not exist/ })
})

t.test('a port that is taken is named', async (t) => {
  const { config, port } = await enrolled(t)
  const taken = createServer().listen(port, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  t.match(await run(t, ['serve', '--config', config]).ended, { code: 3, err: new RegExp(`PORT_IN_USE.*${port}`) })
})

t.test('what the node keeps is listed and opened without an agent, into a new file for root alone', async (t) => {
  const { config } = await enrolled(t)
  const [root, runId] = [join(dirname(dirname(config)), 'root'), '20261130t101112-abc123']
  const host = new LinuxHost(root)
  const stateFolder = '/var/lib/quorate-agent'
  const backups = new BackupSealing({ host, stateFolder, pins: { pinned: async () => undefined } })
  mkdirSync(join(root, 'etc/kubernetes'), { recursive: true })
  writeFileSync(join(root, 'etc/kubernetes/admin.conf'), 'as it was')
  await keepFiles({ host, stateFolder, runId, backups }, ['/etc/kubernetes/admin.conf', '/etc/kubernetes/none.conf'])
  const folder = join(root, stateFolder, 'backups')
  writeFileSync(join(folder, runId, 'etcd-snapshot.db.age'), await backups.seal(Buffer.from('snapshot')))
  mkdirSync(join(folder, 'lost+found'))

  const said = await run(t, ['backups', '--config', config]).ended
  t.match(said, { code: 0, out: `${runId}  etcd-snapshot\n${runId}  /etc/kubernetes/admin.conf\n` })
  const open = (name: string, to: string) => run(t, ['open-backup', runId, name, '--to', to, '--config', config]).ended
  for (const [name, text] of [
    ['etcd-snapshot', 'snapshot'],
    ['/etc/kubernetes/admin.conf', 'as it was'],
  ] as const) {
    const to = join(root, text.replaceAll(' ', '-'))
    t.match(await open(name, to), { code: 0 })
    t.equal(readFileSync(to, 'utf8'), text)
    t.equal(statSync(to).mode & 0o777, 0o600)
    t.match(await open(name, to), { code: 2, err: /exists already/ }, 'never over another file')
  }
  const older = '20260101t101112-abc123'
  mkdirSync(join(folder, older))
  writeFileSync(join(folder, older, 'etcd-snapshot.db'), 'kept in clear')
  t.match(await run(t, ['backups', '--config', config]).ended, { out: `${older}  etcd-snapshot\n` }, 'an earlier agent')
  const nowhere = join(root, 'nowhere')
  t.match(await open('/etc/kubernetes/none.conf', nowhere), { err: /did not exist before run/ })
  t.match(await open('/etc/shadow', nowhere), { err: /BACKUP_MISSING/ })
  const damaged = await backups.seal(Buffer.alloc(200_000, 1))
  writeFileSync(join(folder, runId, 'etcd-snapshot.db.age'), damaged.subarray(0, damaged.length - 1))
  t.match(await open('etcd-snapshot', nowhere), { err: /it is damaged/ })
  t.notOk(existsSync(nowhere), 'nothing is left of what is damaged')
})

t.test('--version says the version', async (t) => {
  t.match(await run(t, ['--version']).ended, { code: 0, out: `${version}\n` })
})
