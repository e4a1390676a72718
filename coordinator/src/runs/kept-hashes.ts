import { backUpFiles } from '../conversion/steps/back-up-files.js'
import { snapshotEtcd } from '../conversion/steps/snapshot-etcd.js'
import { foldRun } from '../engine/fold.js'
import type { Session } from './context/session.js'

/** sha256 of the ciphertext of every backup that a journal mentions, by `RUN/NODE-KIND.age`. An unreadable journal mentions none. */
export async function keptHashes(session: Session): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>()
  for (const run of await session.runs.list()) {
    const { steps } = foldRun(await session.runs.read(run).catch(() => []))
    const backups = steps.filter(({ id }) => id === backUpFiles.id || id === snapshotEtcd.id)
    for (const { what, saw } of backups.flatMap(({ actions }) => actions.flatMap(({ evidence }) => evidence))) {
      const file = /^kept as .*\/([^/]+\.age)$/.exec(what)?.[1]
      const sha256 = /sha256 ([0-9a-f]{64})$/.exec(saw)?.[1]
      if (file !== undefined && sha256 !== undefined) hashes.set(`${run}/${file}`, sha256)
    }
  }
  return hashes
}
