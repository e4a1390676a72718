import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { historyOf } from '@quorate/coordinator/audit/history'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'

interface Said {
  readonly entries: readonly { readonly what: string; readonly outcome: string; readonly run?: string }[]
  readonly calls: readonly { readonly method: string }[]
  readonly agents: readonly { readonly says: string }[]
  readonly sound: boolean
}

const json = async (cluster: SimulatedCluster, ...args: string[]) => {
  const { exitCode, stdout } = await cluster.quorate([...args, '-o', 'json'])
  return { exitCode, said: JSON.parse(stdout) as Said }
}

/** Rewrites one record of a journal and computes the hashes of all that follow, as an attacker who knows the format does. */
function rewrite(path: string): { seq: number; hash: string; bytes: number } {
  let [prev, seq] = ['0'.repeat(64), 0]
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  const rewritten = lines.map((line) => {
    const { record } = JSON.parse(line) as { record: { seq: number; at: number } }
    const text = JSON.stringify(record.seq === 3 ? { ...record, at: record.at - 86_400_000 } : record)
    const hash = createHash('sha256').update(prev).update('\n').update(text).digest('hex')
    const made = `{"prev":"${prev}","hash":"${hash}","record":${text}}\n`
    ;[prev, seq] = [hash, record.seq]
    return made
  })
  writeFileSync(path, rewritten.join(''))
  return { seq, hash: prev, bytes: rewritten.join('').length }
}

t.test('who did what is recorded, and a history that is rewritten is contradicted by the nodes', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { stateFolder } = cluster
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  const run = runOf(cluster)
  const verify = ['audit', 'verify', '--against-agents']

  const { said: listed } = await json(cluster, 'audit', 'list')
  const { entries } = listed
  const converted = entries.filter(({ what }) => what === 'quorate convert').map(({ outcome }) => outcome)
  t.same(converted, ['began', 'exit code 0'])
  t.ok(entries.some((entry) => entry.what === 'journal' && entry.run === run))

  const state = join(t.testdir(), 'another')
  const there = (...args: string[]) => cluster.startQuorate(args, { state }).ended
  ended(t, await there('init'))
  ended(t, await there('enroll', 'cp1', '--address', '192.168.13.30', '--bundle', join(state, 'cp1')))
  ended(t, await there('enroll', 'cp1'), 2)
  const made = JSON.parse((await there('audit', 'list', '-o', 'json')).stdout) as Said
  t.match(made.entries, [
    { what: 'quorate init', outcome: 'exit code 0' },
    { what: 'quorate enroll', outcome: 'began' },
    { what: 'quorate enroll', outcome: 'exit code 0' },
  ])

  const { said: called } = await json(cluster, 'audit', 'list', '--node', 'k8smaster2.example.com')
  t.ok(called.calls.some(({ method }) => method === 'joinControlPlane'))

  ended(t, await cluster.quorate(verify))
  const { said: sound } = await json(cluster, ...verify)
  t.equal(sound.sound, true)
  t.same(
    sound.agents.map(({ says }) => says),
    ['agrees', 'agrees', 'agrees', 'agrees'],
  )
  t.same((await json(cluster, 'audit', 'list')).said, listed, 'looking leaves no trace')

  // Once with the journal alone, once with everything that lies beside it.
  const journal = join(stateFolder, 'runs', `${run}.jsonl`)
  const head = rewrite(journal)
  const alone = await cluster.quorate(['audit', 'verify'])
  ended(t, alone, 5)
  t.match(alone.stdout, new RegExp(`Run ${run}: its first \\d+ records are not those that were there`))

  const path = join(stateFolder, 'audit/history.jsonl')
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  const forged = lines.map((line) => {
    const entry = JSON.parse(line) as { what: string; run?: string }
    return JSON.stringify(entry.run === run ? { ...entry, ...head } : entry)
  })
  writeFileSync(path, `${forged.join('\n')}\n`)
  const { fleetId } = JSON.parse(readFileSync(join(stateFolder, 'fleet/nodes.json'), 'utf8')) as { fleetId: string }
  const history = historyOf({
    ...{ folder: join(stateFolder, 'audit'), keyPath: join(stateFolder, 'fleet/history.key') },
    fleetId: async () => fleetId,
  })
  await history.sign((await history.read()).leaves)
  ended(t, await cluster.quorate(['audit', 'verify']), 0)

  const against = await cluster.quorate(verify)
  ended(t, against, 5)
  for (const name of cluster.nodes.map((node) => node.name)) {
    t.match(against.stdout, `${name}: CONTRADICTS`)
    t.match(against.stderr, name)
  }

  // Nor does an act that follows cover it up.
  const undone = await cluster.quorate(['rollback', run, '--yes'])
  ended(t, undone)
  t.match(undone.stderr, /the history of this state folder is not the one that was shown to k8smaster1/)
  ended(t, await cluster.quorate(verify), 5)
})
