import t from 'tap'
import { clusterForTest } from '../support/simulated-cluster.js'
import { doubleExecutions } from './parts/executions.js'
import { live, NodeKills, said } from './parts/killed-cluster.js'
import { Player } from './parts/play.js'
import type { Kill, Round, Way } from './parts/script.js'
import { undisturbed } from './parts/undisturbed.js'

const first = 'k8smaster1.example.com'
const second = 'k8smaster2.example.com'
const nobody: Way = { coordinator: [], nodes: [] }
const killed = (who: string, record: string): Kill => ({
  who,
  power: false,
  downMs: 100,
  at: { record, moment: 'written' },
})

/** Kills that once broke something, each as short as it can be said. */
const rounds: readonly (readonly [what: string, round: Round])[] = [
  [
    'undone between the upload of the certificates and the joins: no join secret stays on a joiner',
    {
      forward: {
        coordinator: [killed('operator', `action-verified upload-certificates ${first} ${first}`)],
        nodes: [],
      },
      turn: 'rollback',
      back: nobody,
    },
  ],
  [
    'an agent killed right after it placed its join secret, and the run undone',
    {
      forward: {
        coordinator: [killed('operator', `operation-done upload-certificates ${first} ${second} place-secret`)],
        nodes: [
          { ...killed(second, 'end placeJoinSecret 1'), at: { record: 'end placeJoinSecret 1', moment: 'before' } },
        ],
      },
      turn: 'rollback',
      back: nobody,
    },
  ],
  [
    'the first agent killed right after it made a join token of which nobody heard, and the run undone',
    {
      forward: {
        coordinator: [killed('operator', `action-verified upload-certificates ${first} ${first}`)],
        nodes: [
          { ...killed(first, 'end createJoinToken 1'), at: { record: 'end createJoinToken 1', moment: 'before' } },
        ],
      },
      turn: 'rollback',
      back: nobody,
    },
  ],
  [
    'the first agent killed after it swapped the certificate and before it said so: the undo puts the old one back',
    {
      forward: {
        coordinator: [killed('operator', `action-verified upload-certificates ${first} ${first}`)],
        nodes: [{ ...killed(first, ''), at: { record: 'end regenerateCertificate 1', moment: 'before' } }],
      },
      turn: 'rollback',
      back: nobody,
    },
  ],
]

t.test('kills that once broke something', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { states } = await undisturbed(cluster)
  for (const [what, round] of rounds) await t.resolves(new Player(cluster, states).play(round), what)
})

t.test(
  'an agent killed in the middle of an operation, and again in that of its second try: nobody is needed',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 })
    const kills = new NodeKills(
      cluster,
      ['end updateKubeadmConfig 1', 'end updateKubeadmConfig 2'].map((record) => ({
        ...killed(first, record),
        at: { record, moment: 'before' },
      })),
    )
    const lived = await live(cluster, ['convert', '-f', cluster.clusterFile, '--yes'])
    await kills.end()
    t.equal(kills.killed.length, 2, 'it was killed twice')
    t.equal(lived.exitCode, 0, lived.exitCode === 0 ? 'converted' : said(lived))
    t.same(await doubleExecutions(cluster), [])
  },
)
