import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { backupPlace, findEntry } from '../backup/store.js'
import type { ChangeContext } from '../context/operation.js'
import { requireText } from './stage-certificate.js'

/**
 * Which of these files differ from this run's backup, in the order of the names. An agent that was killed did not
 * report its changes; with a backup taken right before, every difference is this run's.
 */
export async function touchedSinceKept(context: ChangeContext, names: readonly string[]): Promise<TouchedObject[]> {
  const touched = names.map(async (name) => {
    const kept = await findEntry(backupPlace(context), name)
    const sha256After = sha256Hex(await requireText(context.tools.host, name))
    if (kept.kind === 'absent' || kept.sha256 === sha256After) return []
    return [{ name, sha256Before: kept.sha256, sha256After }]
  })
  return (await Promise.all(touched)).flat()
}
