import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { clusterState } from './cluster-state.js'
import { live, said } from './killed-cluster.js'
import { placesOf } from './places.js'
import { runsOf, type States } from './play.js'
import type { Places } from './script.js'

/** One conversion and its way back that nobody disturbs: what the others are held against. */
export async function undisturbed(cluster: SimulatedCluster): Promise<{ states: States; places: Places }> {
  const before = await clusterState(cluster)
  const secretsBefore = await cluster.control.ask<string[]>('secretsMade')
  const must = async (args: readonly string[]) => {
    const lived = await live(cluster, args)
    if (lived.exitCode !== 0) throw new Error(`undisturbed ${args.join(' ')}: ${said(lived)}`)
  }
  await must(['convert', '-f', cluster.clusterFile, '--yes'])
  const converted = await clusterState(cluster)
  const run = runsOf(cluster).at(-1) ?? ''
  const forward = placesOf(cluster, run)
  await must(['rollback', run, '--yes'])
  const known = new Set(forward.map(({ who, record }) => `${who} ${record}`))
  const back = placesOf(cluster, run).filter(({ who, record }) => !known.has(`${who} ${record}`))
  return { states: { before, converted, secretsBefore }, places: { forward, back } }
}
