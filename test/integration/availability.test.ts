import type { AvailabilityRecord } from '@quorate/coordinator/engine/events'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterForTest, ended, journalOf } from '../support/simulated-cluster.js'

type Seen = AvailabilityRecord & { readonly kind: string }

const seenBy = (cluster: SimulatedCluster): readonly Seen[] =>
  journalOf(cluster).filter(({ kind }) => kind === 'availability') as unknown as Seen[]

const leaseOf = async (cluster: SimulatedCluster): Promise<unknown> =>
  Object.keys(await cluster.control.ask<object>('dump')).filter((key) => key.endsWith('/quorate-availability'))

t.test('a sound conversion and its undo: watched from two places, nothing failed, nothing is left of it', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  const seen = seenBy(cluster)
  console.error(seen.map((s) => JSON.stringify(s)).join('\n'))
  t.same(await leaseOf(cluster), [])
})
