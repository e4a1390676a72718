import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { requireText } from '../cluster/stage-certificate.js'
import type { ChangeContext } from '../operation.js'
import { backupPlace, findEntry } from './store.js'

/**
 * Which of these files differ from what this run's backup kept of them, in the order of the names. An agent that was killed half way did not come
 * to say what it changed; kept right before, it is all of it this run's doing.
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
