import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { enrolBundle } from '@quorate/coordinator/state/enroll-bundle'
import { initState } from '@quorate/coordinator/state/init'
import type { StatePaths } from '@quorate/coordinator/state/paths'
import t, { type Test } from 'tap'
import { bundlePrograms } from '../../lab/simulated/bundles.js'
import { bundleIdentity } from '../unit/coordinator/support/agent-server.js'
import { type HostileAgent, type Misbehaviour, serveHostile } from './hostile-agent.js'
import { honest, misbehaviours, steers } from './misbehaviours.js'

interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const folder = t.testdir()
const { quorate: program } = await bundlePrograms(join(folder, 'programs'))

/** With a quarter of the memory that Node takes by itself: what grows is seen. */
const quorate = (state: string, ...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const all = ['--max-old-space-size=512', program, ...args, '--state', state]
    const options = { env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 2 ** 28 }
    execFile(process.execPath, all, options, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? 128), stdout, stderr }),
    )
  })

async function enrol(
  t: Test,
  paths: StatePaths,
  [name, misbehave]: readonly [string, Misbehaviour],
): Promise<HostileAgent> {
  const agent = await serveHostile(misbehave)
  t.teardown(() => agent.close())
  const bundle = join(folder, 'bundles', name)
  await enrolBundle(paths, { node: name, address: `127.0.0.1:${agent.port}`, bundle })
  agent.identify(bundleIdentity(bundle))
  return agent
}

/** Nothing of a node steers the terminal, shows a stack, repeats a secret or is without end. */
function requireHarmless(t: Test, { stdout, stderr }: Ran, command: string): void {
  t.notMatch(stdout + stderr, steers, command)
  t.notMatch(stdout + stderr, /\n {4}at |UnhandledPromise|hunter2|0123456789abcdef/, command)
  t.ok(stdout.length + stderr.length < 100_000, `${command}: ${stdout.length + stderr.length} characters`)
}

const rows = Object.entries(misbehaviours)
// They take as long as a call may.
const silent = rows.filter(([, [, { code }]]) => code === 'AGENT_UNREACHABLE')
const answering = rows.filter(([, [, { code }]]) => code !== 'AGENT_UNREACHABLE')
const groupSize = 11
const groups = [
  silent,
  ...answering.map((_, at) => answering.slice(at, at + groupSize)).filter((_, at) => at % groupSize === 0),
]

for (const [number, group] of groups.entries())
  t.test(
    `bad answers ${number + 1}: each is told, with the node and what to do; the honest node is listed too`,
    async (t) => {
      const state = join(folder, `state-${number}`)
      const paths = await initState(state)
      for (const [name, [misbehave]] of group) await enrol(t, paths, [name, misbehave])
      if (group !== silent) await enrol(t, paths, [`honest-${number}`, honest])
      const [text, json] = await Promise.all([quorate(state, 'nodes'), quorate(state, 'nodes', '-o', 'json')])
      for (const ran of [text, json]) {
        t.equal(ran.exitCode, 3, ran.stderr.slice(0, 2_000))
        requireHarmless(t, ran, 'nodes')
      }
      const { nodes } = JSON.parse(json.stdout)
      const named = (wanted: string) => nodes.find(({ name }: { name: string }) => name === wanted)
      for (const [name, [, { code, says = /./ }]] of group) {
        const { problem } = named(name)
        t.equal(problem?.code, code, `${name}: ${problem?.message?.slice(0, 200)}`)
        if (code !== undefined) t.ok(problem?.remedy, `${name}: remedy`)
        t.match(JSON.stringify(named(name)), says, name)
      }
      if (group !== silent) t.match(named(`honest-${number}`), { reachable: true, agentVersion: '7.7.7' })
    },
  )

t.test('a plan and a proof of a cluster of such nodes end with a finding for each', async (t) => {
  const state = join(folder, 'state-cluster')
  const paths = await initState(state)
  const names = [
    'garbage',
    'millions-of-messages',
    'error-proto',
    'gzip-bomb',
    'error-long',
    'cuts-connections',
    'error-steers',
  ]
  const lines: string[] = []
  for (const [at, name] of names.entries()) {
    const agent = await enrol(t, paths, [name, misbehaviours[name]?.[0] ?? honest])
    lines.push(`  - {name: ${name}, address: 192.0.2.${at + 1}, agent: '127.0.0.1:${agent.port}'}`)
  }
  const file = join(folder, 'cluster.yaml')
  writeFileSync(
    file,
    `apiVersion: quorate/v1alpha1
kind: Conversion
metadata: {name: hostile}
endpoint: api.example.com:8443
loadBalancer: {kind: external}
controlPlanes:
${lines.slice(0, 3).join('\n')}
workers:
${lines.slice(3).join('\n')}
`,
  )
  for (const command of ['plan', 'verify']) {
    const ran = await quorate(state, command, '-f', file)
    t.ok([3, 7].includes(ran.exitCode), `${command}: ${ran.exitCode} ${ran.stderr.slice(0, 2_000)}`)
    requireHarmless(t, ran, command)
    for (const name of names) t.match(ran.stdout + ran.stderr, name, `${command} names ${name}`)
  }
})
