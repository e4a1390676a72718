/**
 * Coordinator and agents of an older version: the coordinator is killed in the middle of a conversion or of an undo, all are replaced by this
 * clone's, and the run goes on from the journal and the ledgers that they left.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Bundles } from '../../lab/simulated/bundles.js'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest } from '../support/simulated-cluster.js'
import { hasCommit, olderPrograms } from './parts/older-programs.js'
import { Player } from './parts/play.js'
import type { Kill, Round, Way } from './parts/script.js'
import { undisturbed } from './parts/undisturbed.js'

/** The last commit before the life of a run moved to coordinator/src/runs: its journals are those of version 0.1.0. */
const older = '14f8a08b53dfd7e2832bdc2c088317677c96e35a'

const first = 'k8smaster1.example.com'
const second = 'k8smaster2.example.com'
const worker = 'k8sworker1.example.com'
const killedAt = (record: string): Way => ({
  coordinator: [{ who: 'operator', power: false, downMs: 0, at: { record, moment: 'synced' } } satisfies Kill],
  nodes: [],
})
const inPeace: Way = { coordinator: [], nodes: [] }

const rounds: readonly (readonly [what: string, round: Round])[] = [
  [
    'killed with an operation on its way to a worker: resumed, verified, undone',
    {
      forward: killedAt(`operation-sent rewrite-worker-kubeconfigs ${worker} ${worker} rewrite-kubelet`),
      turn: 'resume',
      back: inPeace,
    },
  ],
  [
    'killed while control planes join: resumed, verified, undone',
    {
      forward: killedAt(`operation-sent join-control-planes ${second} ${second} join`),
      turn: 'resume',
      back: inPeace,
    },
  ],
  [
    'killed with the join secrets on the nodes: undone',
    {
      forward: killedAt(`action-verified upload-certificates ${first} ${first}`),
      turn: 'rollback',
      back: inPeace,
    },
  ],
  [
    'its conversion done, killed while it removes a control plane: undone to its end',
    {
      forward: killedAt('run-ended done'),
      turn: 'rollback',
      back: killedAt(`operation-sent join-control-planes ${second} ${first} undo-remove-member`),
    },
  ],
  [
    'its conversion done, killed while it restores the API server certificate: undone to its end',
    {
      forward: killedAt('run-ended done'),
      turn: 'rollback',
      back: killedAt(`undo-started regenerate-apiserver-certificate ${first} ${first}`),
    },
  ],
]

const options = hasCommit(older) ? {} : { skip: `this clone does not have commit ${older}: git fetch --unshallow` }

/** Replaces the agents of all nodes. Their configuration is as the older version enrolled them: without the key of backups. */
async function install(cluster: SimulatedCluster, { 'quorate-agent': program }: Bundles): Promise<void> {
  for (const { name, root } of cluster.nodes) {
    await cluster.stopAgent(name)
    const path = join(root, 'etc/quorate/agent.yaml')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^backupRecipient:.*\n/m, ''))
  }
  await Promise.all(cluster.nodes.map((node) => cluster.startAgent(node, { program })))
}

t.test('an older coordinator is killed, and this one goes on', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-older-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const before = await olderPrograms(older, folder)
  const cluster = await clusterForTest(t, { workers: 1 })
  await install(cluster, cluster.bundles)
  const { states } = await undisturbed(cluster)
  let installed = cluster.bundles
  for (const [what, round] of rounds) {
    const player = new Player(cluster, states, async (kill) => {
      const wanted = kill === undefined ? cluster.bundles : before
      if (wanted !== installed) await install(cluster, wanted)
      installed = wanted
      return wanted.quorate
    })
    const { killed } = await player.play(round)
    t.equal(killed.length, round.forward.coordinator.length + round.back.coordinator.length, what)
  }
})
