import { QuorateError } from '@quorate/shared/errors'
import type { Host, TreeEntry } from '../../host/host.js'

/** Written before a join begins: the state of the node, and which run may undo it. */
export interface JoinMarker {
  readonly runId: string
  /** The last join operation: its unit is named after it. */
  readonly operationId: string
  /** Folders that belong to the join (before-join.ts); absent: all that a join fills. */
  readonly folders?: readonly string[]
  /** Everything that was in them. */
  readonly before: readonly TreeEntry[]
  /** Names of network interfaces: the cluster network adds more, which a reset leaves. */
  readonly interfacesBefore: readonly string[]
  /** Whether systemd ran the kubelet, or kept restarting it: a package enables it long before it has a configuration. */
  readonly kubeletBefore: 'active' | 'stopped'
  /** Absent until the join has succeeded. */
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

/** The marker of this run's own join; NOT_JOINED_BY_THIS_RUN on a node that was in a cluster before, or that another run joined. */
export async function requireJoinedBy(place: Place, runId: string): Promise<JoinMarker> {
  const marker = await readJoinMarker(place)
  if (marker?.runId === runId) return marker
  throw new QuorateError('NOT_JOINED_BY_THIS_RUN', `run ${runId} did not join this node: nothing is removed here`)
}
