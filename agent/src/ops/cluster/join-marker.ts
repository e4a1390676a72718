import type { Host } from '../../host/host.js'
import { cniFolder } from '../paths.js'

/** Written before a join begins: what the node was, and who may take it back. */
export interface JoinMarker {
  readonly runId: string
  /** Names in /etc/cni/net.d that were there before: they are not the join's to remove. */
  readonly cniBefore: readonly string[]
  /** Absent while the join has not ended well. */
  readonly joinedAtUnixMs?: number
}

const markerPath = (stateFolder: string): string => `${stateFolder}/joined-by`

interface Place {
  readonly host: Host
  readonly stateFolder: string
}

export async function readJoinMarker({ host, stateFolder }: Place): Promise<JoinMarker | undefined> {
  const file = await host.read(markerPath(stateFolder))
  return file === undefined ? undefined : (JSON.parse(file.bytes.toString('utf8')) as JoinMarker)
}

export async function writeJoinMarker({ host, stateFolder }: Place, marker: JoinMarker): Promise<void> {
  await host.replace(markerPath(stateFolder), Buffer.from(`${JSON.stringify(marker)}\n`), { mode: 0o600 })
}

export async function removeJoinMarker({ host, stateFolder }: Place): Promise<void> {
  await host.remove(markerPath(stateFolder))
}

export const namesIn = async (host: Host, folder: string): Promise<string[]> =>
  (await host.list(folder)).map(({ name }) => name)

/** A marker for a join that is about to begin. */
export const newJoinMarker = async (host: Host, runId: string): Promise<JoinMarker> => ({
  runId,
  cniBefore: await namesIn(host, cniFolder),
})
