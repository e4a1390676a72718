import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { asBefore } from '../support/as-before.js'
import { requestsLeft, signElsewhere, takeKeysAway } from '../support/external-ca.js'
import { clusterForTest, ended, everything, runOf } from '../support/simulated-cluster.js'
import { doubleExecutions } from './parts/executions.js'
import { live, NodeKills, said } from './parts/killed-cluster.js'
import type { Kill } from './parts/script.js'

const first = 'k8smaster1.example.com'
const second = 'k8smaster2.example.com'
/** It did its work, and dies before it can say so. */
const unsaid = (who: string, operation: string): Kill => ({
  ...{ who, power: false, downMs: 100 },
  at: { record: `end ${operation} 1`, moment: 'before' },
})

t.test(
  'an external CA: kills between a key and its certificate, and a join that is made again with the same',
  async (t) => {
    const keys = mkdtempSync(join(tmpdir(), 'keys-'))
    t.teardown(() => rmSync(keys, { recursive: true }))
    const cluster = await clusterForTest(t, { workers: 1 })
    await takeKeysAway(cluster, keys, ['ca'])
    const before = await everything(cluster)

    const requesting = new NodeKills(cluster, [unsaid(second, 'requestCertificates')])
    const sent = `operation-sent request-certificates ${second} ${second} request`
    const lived = await live(cluster, ['convert', '-f', cluster.clusterFile, '--yes'], {
      ...{ who: 'operator', power: false, downMs: 0 },
      at: { record: sent, moment: 'synced' },
    })
    t.ok(lived.died, 'the coordinator died with a request under way')
    const run = runOf(cluster)
    const stopped = await live(cluster, ['resume', run])
    await requesting.end()
    t.equal(requesting.killed.length, 1, 'so did an agent that had made its keys')
    t.equal(stopped.exitCode, 4, said(stopped))
    t.match(stopped.stdout + stopped.stderr, /13 not signed yet/)

    signElsewhere({ stateFolder: cluster.stateFolder, run, keys })
    await cluster.setFaults('cp3', { failJoinPhase: 'kubelet-start' })
    const using = new NodeKills(cluster, [
      unsaid(first, 'regenerateCertificate'),
      unsaid(second, 'placeSignedCertificates'),
      unsaid(second, 'joinControlPlane'),
    ])
    const failed = await live(cluster, ['resume', run])
    await using.end()
    t.equal(using.killed.length, 3, 'agents died that had used them')
    t.equal(failed.exitCode, 4, said(failed))
    t.match(failed.stdout + failed.stderr, /kubelet-start/)
    await cluster.setFaults('cp3', { failJoinPhase: '' })
    ended(t, await cluster.quorate(['resume', run]))
    t.same(await doubleExecutions(cluster), [], 'nothing was done twice')
    ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
    ended(t, await cluster.quorate(['rollback', run, '--yes']))
    await asBefore(t, cluster, before)
    t.same(requestsLeft(cluster), [], 'no key is left')
  },
)
