/**
 * Without ssh: system packages on a machine of the operator's and on every node, which join with tokens; the coordinator is a service whose issuer
 * systemd alone can open. Converted by REST, all packages upgraded in the middle, continued, undone, purged.
 * `npx tap --timeout=2400 test/faults/packages.test.ts`; root, and the packages of `npm run release`.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import type { Lab } from '../../lab/real/lab.js'
import type { LabNode } from '../../lab/real/machines/node.js'
import { must } from '../../lab/real/machines/shell.js'
import { labForTest } from '../support/real-lab.js'

const root = resolve(import.meta.dirname, '../..')
const release = process.env['QUORATE_RELEASE'] ?? join(root, 'out/release')
const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
const passphrase = 'correct horse battery staple'
const state = '/var/lib/quorate'
const spare = 'spare.example.com'

type Program = 'quorate' | 'quorate-agent'

const packageOf = (name: Program): string => {
  const file = readdirSync(release).find((one) => one.startsWith(`${name}_`) && one.endsWith('_amd64.deb'))
  if (file === undefined) throw new Error(`npm run release makes the package of ${name}; ${release} has none`)
  return join(release, file)
}

/** The same program as the next revision of its package: what differs is the number that dpkg compares. */
async function nextRevision(lab: Lab, name: Program): Promise<string> {
  const [folder, file] = [join(lab.folder, 'next', name), join(lab.folder, 'next', `${name}.deb`)]
  mkdirSync(folder, { recursive: true })
  await must('dpkg-deb', ['--raw-extract', packageOf(name), folder])
  await must('sed', ['-i', '/^Version:/s/$/+next/', join(folder, 'DEBIAN/control')])
  await must('dpkg-deb', ['--root-owner-group', '-Znone', '--build', folder, file])
  return file
}

async function installPackage(node: LabNode, file: string): Promise<void> {
  await must('cp', [file, join(node.root, 'root/quorate.deb')])
  await node.must(['dpkg', '--install', '/root/quorate.deb'])
  await node.must(['rm', '/root/quorate.deb'])
}

interface Run {
  readonly id: string
  readonly outcome: string
  readonly steps: readonly { readonly id: string; readonly state: string }[]
  readonly availability: readonly { readonly target: string; readonly asked: number; readonly failed: number }[]
  readonly error?: { readonly code: string; readonly message: string }
}

/** The operator's machine: its command line as the user of the service, and the service's REST. */
class Operator {
  readonly node: LabNode
  #token = ''

  constructor(node: LabNode) {
    this.node = node
  }

  quorate(...args: readonly string[]) {
    return this.node.sh(['runuser', '-u', 'quorate', '--', 'quorate', '--state', state, ...args])
  }

  async makeToken(): Promise<void> {
    const { exitCode, stdout, stderr } = await this.quorate('token', 'create', 'test', '--role', 'operator')
    if (exitCode !== 0) throw new Error(stdout + stderr)
    this.#token = stdout.trim()
  }

  /** The spare machine has an identity, and does not exist. */
  async untilAgentsAnswer(): Promise<void> {
    for (const deadline = Date.now() + 60_000; ; ) {
      const { stdout, stderr } = await this.quorate('nodes', '-o', 'json')
      const { nodes } = JSON.parse(stdout) as { nodes: readonly { name: string; reachable: boolean }[] }
      if (nodes.every(({ name, reachable }) => reachable || name === spare)) return
      if (Date.now() > deadline) throw new Error(stdout + stderr)
    }
  }

  async rest<T>(path: string, body?: unknown): Promise<T> {
    const asked = ['curl', '-s', '--max-time', '300', '-H', '@-', `http://127.0.0.1:7446${path}`]
    const type = typeof body === 'string' ? 'application/yaml' : 'application/json'
    const sent =
      body === undefined
        ? []
        : ['-H', `content-type: ${type}`, '--data-binary', typeof body === 'string' ? body : JSON.stringify(body)]
    const answer = await this.node.must([...asked, ...sent], `Authorization: Bearer ${this.#token}\n`)
    return (answer === '' ? {} : JSON.parse(answer)) as T
  }

  /** Asks each second: the service may be starting again. */
  async until(id: string, holds: (run: Run) => boolean): Promise<Run> {
    for (const deadline = Date.now() + 600_000; ; ) {
      const run = await this.rest<Run>(`/v1/runs/${id}`).catch(() => undefined)
      if (run?.outcome !== undefined && holds(run)) return run
      if (Date.now() > deadline) throw new Error(`run ${id}: ${JSON.stringify({ ...run, steps: undefined })}`)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}

const tellAvailability = (t: Test, what: string, { availability }: Run): void => {
  const targets = [...new Set(availability.map(({ target }) => target))]
  const sum = (target: string, of: 'asked' | 'failed') =>
    availability.filter((one) => one.target === target).reduce((all, one) => all + one[of], 0)
  for (const target of targets)
    t.comment(`${what}, ${target}: ${sum(target, 'failed')} of ${sum(target, 'asked')} failed`)
}

t.test(`Kubernetes ${version}`, async (t: Test) => {
  const lab = await labForTest(t, version, { agents: false, with: ['operator-machine'] })
  const op = new Operator(lab.node('op'))
  const nodes = [...lab.controlPlanes, ...lab.workers]
  const unit = 'quorate-coordinator.service'

  await t.test('the service starts, and systemd alone opens its issuer', async (t) => {
    await installPackage(op.node, packageOf('quorate'))
    await op.node.put('/run/passphrase', `${passphrase}\n`, '0600', 'quorate:quorate')
    const made = await op.quorate('init', '--passphrase-file', '/run/passphrase')
    t.equal(made.exitCode, 0, made.stdout + made.stderr)
    await op.node.must(['rm', '/run/passphrase'])
    // As docs/security.md and docs/rest.md say it.
    await op.node.must(['install', '-d', '-m700', '/etc/credstore.encrypted'])
    await op.node.must([
      ...['systemd-creds', 'encrypt', '--name=quorate-issuer', `${state}/fleet/issuer.pem`],
      '/etc/credstore.encrypted/quorate-issuer',
    ])
    await op.node.put(
      `/etc/systemd/system/${unit}.d/override.conf`,
      '[Service]\nLoadCredentialEncrypted=quorate-issuer:/etc/credstore.encrypted/quorate-issuer\n',
    )
    await op.node.put(
      '/etc/default/quorate-coordinator',
      `QUORATE_SERVE_OPTIONS="--enroll-listen ${op.node.address}:7447"\n`,
    )
    await op.node.must(['rm', `${state}/fleet/issuer.pem`])
    await op.node.must(['systemctl', 'daemon-reload'])
    await op.node.must(['systemctl', 'enable', '--now', unit])
    await op.makeToken()
    const { stdout } = await op.node.sh(['systemd-analyze', 'security', unit])
    t.comment(stdout.trim().split('\n').at(-1))
  })

  await t.test('each machine joins with its token, certified by the issuer that is in no file', async (t) => {
    for (const node of nodes) {
      const { name } = node.spec
      const token = await op.quorate('token', 'node', name, '--address', node.address)
      t.equal(token.exitCode, 0, token.stdout + token.stderr)
      await installPackage(node, packageOf('quorate-agent'))
      t.not(
        (await node.sh(['systemctl', 'is-enabled', 'quorate-agent'])).stdout.trim(),
        'enabled',
        'it has no identity yet',
      )
      const joined = await node.sh(
        ['quorate-agent', 'join', `${op.node.address}:7447`, '--token-file', '-'],
        token.stdout,
      )
      t.equal(joined.exitCode, 0, joined.stdout + joined.stderr)
      t.equal((await node.must(['systemctl', 'is-enabled', 'quorate-agent'])).trim(), 'enabled')
    }
    await op.untilAgentsAnswer()
  })

  await t.test('a command that issues something says what it needs, and root can give it', async (t) => {
    const enroll = ['enroll', spare, '--address', '192.0.2.1', '--bundle', `${state}/spare`]
    const without = await op.quorate(...enroll)
    t.equal(without.exitCode, 2, without.stdout)
    t.match(without.stderr, /there is no issuer here/)
    const given = await op.node.sh([
      ...['systemd-run', '--quiet', '--pipe', '--wait', '--collect', '--property=User=quorate'],
      '--property=LoadCredentialEncrypted=quorate-issuer:/etc/credstore.encrypted/quorate-issuer',
      ...['quorate', '--state', state, ...enroll],
    ])
    t.equal(given.exitCode, 0, given.stdout + given.stderr)
    t.equal((await op.node.sh(['ls', `${state}/fleet/issuer.pem`])).exitCode, 2, 'and still none is in the folder')
  })

  lab.writeClusterFile()
  const clusterFile = readFileSync(lab.clusterFile, 'utf8')
  let id = ''

  await t.test(
    'packages upgraded in the middle of a conversion: the run stops at a safe place, and resume ends it',
    async (t) => {
      const plan = await op.rest<{ hash: string; blocked: boolean }>('/v1/plans', clusterFile)
      t.equal(plan.blocked, false, JSON.stringify(plan))
      id = (await op.rest<{ id: string }>('/v1/runs', { clusterFile, planHash: plan.hash })).id
      const joining = (run: Run) =>
        run.steps.some((step) => step.id === 'join-control-planes' && step.state === 'running')
      await op.until(id, (run) => joining(run) || run.outcome !== 'running')
      const [quorate, agent] = [await nextRevision(lab, 'quorate'), await nextRevision(lab, 'quorate-agent')]
      await installPackage(op.node, quorate)
      const stopped = await op.until(id, ({ outcome }) => outcome !== 'running')
      t.comment(
        `after the upgrade of quorate: ${stopped.outcome}; ${stopped.steps.map((step) => `${step.id} ${step.state}`).join(', ')}`,
      )
      t.not(stopped.outcome, 'done')
      for (const node of nodes) await installPackage(node, agent)
      // A worker that does not answer at this moment would be converted later, when the service sees it again.
      await op.untilAgentsAnswer()
      const resumed = await op.rest<{ code?: string }>(`/v1/runs/${id}/resume`, {})
      t.equal(resumed.code, undefined, JSON.stringify(resumed))
      const ended = await op.until(id, ({ outcome }) => outcome !== 'running' && outcome !== stopped.outcome)
      t.equal(ended.outcome, 'done', JSON.stringify(ended.error))
      tellAvailability(t, 'conversion', ended)
      await op.node.put('/var/lib/quorate/cluster.yaml', clusterFile, '0600', 'quorate:quorate')
      const { exitCode, stdout, stderr } = await op.quorate('verify', '-f', '/var/lib/quorate/cluster.yaml')
      t.equal(exitCode, 0, stdout + stderr)
    },
  )

  await t.test('undone by REST', async (t) => {
    const answer = await op.rest<{ code?: string }>(`/v1/runs/${id}/rollback`, {})
    t.equal(answer.code, undefined, JSON.stringify(answer))
    const ended = await op.until(id, ({ outcome }) => !['running', 'rolling-back', 'done'].includes(outcome))
    t.equal(ended.outcome, 'rolled-back', JSON.stringify(ended.error))
    tellAvailability(t, 'with the undo', ended)
  })

  await t.test('purged, the agents leave nothing; the keys of the fleet stay', async (t) => {
    for (const node of nodes) {
      await node.must(['dpkg', '--purge', 'quorate-agent'])
      const left = 'ls -d /etc/quorate /var/lib/quorate-agent /usr/bin/quorate-agent /usr/lib/quorate-agent 2>/dev/null'
      t.equal((await node.sh(['sh', '-c', left])).stdout, '')
    }
    const { stdout, stderr } = await op.node.sh(['dpkg', '--purge', 'quorate'])
    t.match(stdout + stderr, /keys of a fleet/)
    t.equal((await op.node.sh(['ls', `${state}/fleet`])).exitCode, 0)
  })
})
