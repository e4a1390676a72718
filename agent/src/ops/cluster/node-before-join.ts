import { readUnit } from '../../host/unit-state.js'
import type { ChangeContext } from '../context/operation.js'
import { readInterfaces } from '../network/interfaces.js'
import { foldersOfJoin, keepBeforeJoin } from './before-join.js'
import { type JoinMarker, writeJoinMarker } from './join-marker.js'

/**
 * Records the state of this node before kubeadm touches it. A second attempt of the same run without a reset in between keeps the first
 * record: what the first attempt left did not exist before.
 */
export async function beginMarker(
  { tools, header, signal }: ChangeContext,
  before: JoinMarker | undefined,
): Promise<JoinMarker> {
  const { runId, operationId } = header
  const known = before?.runId === runId ? before : await lookAround()
  const marker = { ...known, runId, operationId }
  await writeJoinMarker(tools, marker)
  return marker

  async function lookAround(): Promise<Omit<JoinMarker, 'runId' | 'operationId'>> {
    const { activeState } = await readUnit(tools.host, 'kubelet', signal)
    const runs = activeState === 'active' || activeState === 'activating' || activeState === 'reloading'
    const folders = await foldersOfJoin(tools.host)
    return {
      folders,
      before: await keepBeforeJoin(tools, folders),
      interfacesBefore: await interfaceNames({ tools, signal }),
      kubeletBefore: runs ? 'active' : 'stopped',
    }
  }
}

/** None if they cannot be read: they only serve a message about what is left. */
export const interfaceNames = ({ tools, signal }: Pick<ChangeContext, 'tools' | 'signal'>): Promise<string[]> =>
  readInterfaces(tools.host, signal).then(
    (interfaces) => interfaces.map(({ name }) => name),
    () => [],
  )
