import { systemClock } from '@quorate/shared/clock'
import { isLoopback } from '@quorate/shared/etcd-listen'
import type { EtcdClient } from '../../host/etcd.js'
import type { ChangeContext } from '../context/operation.js'
import type { Tools } from '../context/tools.js'

/** Whether this node's own etcd member leads. */
export async function isEtcdLedHere(tools: Tools, signal: AbortSignal): Promise<boolean> {
  const etcd = await tools.etcd()
  try {
    const { memberId, leaderId } = await etcd.ownStatus(signal)
    return memberId === leaderId
  } finally {
    etcd.close()
  }
}

/** Makes another voter the leader of etcd, preferably one of `to`; describes the result, undefined if this node's member did not lead. */
export async function moveEtcdLeader(
  to: string,
  { tools, signal, progress }: ChangeContext,
): Promise<string | undefined> {
  const etcd = await tools.etcd()
  try {
    const { memberId, leaderId } = await etcd.ownStatus(signal)
    if (memberId !== leaderId) return undefined
    const { members } = await etcd.members(signal)
    const able = members.filter(({ id, learner, status }) => id !== memberId && !learner && status !== undefined)
    const target = able.find(({ name }) => name === to) ?? able[0]
    if (target === undefined) return "etcd's leader stays here: no other voter answers"
    progress(`moving the leadership of etcd to ${target.name}`)
    const url = target.clientUrls.find((one) => !isLoopback(one))
    if (url !== undefined) await untilQuiet(etcd, url, signal)
    await etcd.moveLeader(target.id, signal)
    return `${target.name} leads etcd`
  } finally {
    etcd.close()
  }
}

const quietWithinMs = 3_000
const lookEveryMs = 10

/**
 * During a transfer a leader drops proposals, and they are not proposed again (raft, stepLeader: leadTransferee); a write in flight
 * is lost until its client gives up. The transfer takes an instant if the other member has every entry, and the time of its disk if not: so
 * this waits for a moment in which both report the same index twice. A cluster under constant writes has no such moment; then it transfers anyway.
 */
async function untilQuiet(etcd: EtcdClient, url: string, signal: AbortSignal): Promise<void> {
  let before = -1
  for (const deadline = Date.now() + quietWithinMs; Date.now() < deadline; ) {
    const [own, other] = await etcd.indexes(url, signal)
    if (own === other && own === before) return
    before = own === other ? own : -1
    await systemClock.sleep(lookEveryMs, signal)
  }
}
