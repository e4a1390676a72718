import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { enrolBundle } from '@quorate/coordinator/state/enroll-bundle'
import { initState } from '@quorate/coordinator/state/init'
import t from 'tap'
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
const state = join(folder, 'state')
const agents: HostileAgent[] = []
t.teardown(() => {
  for (const agent of agents) agent.close()
})

/** Enrolls a node and serves it; the port has to be known before. */
async function enrol(paths: Awaited<ReturnType<typeof initState>>, name: string, misbehave: Misbehaviour): Promise<void> {
  const bundle = join(folder, 'bundles', name)
  await enrolBundle(paths, { node: name, address: '127.0.0.1:1', bundle })
  const agent = await serveHostile(bundleIdentity(bundle), misbehave)
  agents.push(agent)
  await enrolBundle(paths, { node: name, address: `127.0.0.1:${agent.port}`, bundle: `${bundle}-2` })
}

const quorate = (program: string, args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    // A heap of an eighth of what a machine usually gives: what grows is seen.
    const all = ['--max-old-space-size=256', program, ...args, '--state', state]
    execFile(process.execPath, all, { env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? 128), stdout, stderr }),
    )
  })

t.test('every way to answer badly is told, with the node and what to do; the honest node is listed beside them', async (t) => {
  const paths = await initState(state)
  for (const [name, [misbehave]] of Object.entries(misbehaviours)) await enrol(paths, name, misbehave)
  await enrol(paths, 'honest', honest)
  const { quorate: program } = await bundlePrograms(join(folder, 'programs'))
  const [text, json] = await Promise.all([quorate(program, ['nodes']), quorate(program, ['nodes', '-o', 'json'])])
  for (const { exitCode, stdout, stderr } of [text, json]) {
    t.equal(exitCode, 3, stderr.slice(0, 2_000))
    t.notMatch(stdout + stderr, steers)
    t.notMatch(stdout + stderr, /\n {4}at |UnhandledPromise|hunter2|0123456789abcdef/)
    t.ok(stdout.length + stderr.length < 200_000, `${stdout.length + stderr.length} characters`)
  }
  const { nodes } = JSON.parse(json.stdout)
  for (const [name, [, expected]] of Object.entries(misbehaviours)) {
    const node = nodes.find((one: { name: string }) => one.name === name)
    t.equal(node.problem?.code, expected.code, `${name}: ${node.problem?.message?.slice(0, 200)}`)
    if (expected.code !== undefined) t.ok(node.problem?.remedy, `${name}: remedy`)
    if (expected.says !== undefined) t.match(JSON.stringify(node), expected.says, name)
  }
  t.match(nodes.find((one: { name: string }) => one.name === 'honest'), { reachable: true, agentVersion: '7.7.7' })
})

t.test('a plan and a proof of a cluster of such nodes end with a finding for each', async (t) => {
  const { quorate: program } = await bundlePrograms(join(folder, 'programs-2'))
  const names = Object.keys(misbehaviours).filter((name) => misbehaviours[name]?.[1].code !== undefined)
  const node = (name: string) => {
    const at = names.indexOf(name)
    return `  - {name: ${name}, address: 192.0.2.${at + 1}, agent: '127.0.0.1:${agents[Object.keys(misbehaviours).indexOf(name)]?.port}'}`
  }
  const file = join(folder, 'cluster.yaml')
  const [first = '', second = '', third = '', ...workers] = names
  writeFileSync(
    file,
    `apiVersion: quorate/v1alpha1\nkind: Conversion\nmetadata: {name: hostile}\nendpoint: api.example.com:8443\nloadBalancer: {kind: external}\ncontrolPlanes:\n${[first, second, third].map(node).join('\n')}\nworkers:\n${workers.map(node).join('\n')}\n`,
  )
  for (const command of ['plan', 'verify']) {
    const { exitCode, stdout, stderr } = await quorate(program, [command, '-f', file])
    t.ok([3, 7].includes(exitCode), `${command}: ${exitCode} ${stderr.slice(0, 2_000)}`)
    t.notMatch(stdout + stderr, steers)
    t.notMatch(stdout + stderr, /\n {4}at /)
    t.ok(stdout.length + stderr.length < 400_000)
    for (const name of names) t.match(stdout + stderr, name, `${command} names ${name}`)
  }
})
