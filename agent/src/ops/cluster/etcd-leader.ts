import type { ChangeContext } from '../operation.js'
import type { Tools } from '../tools.js'

/** Whether this node's own member of etcd leads. */
export async function isEtcdLedHere(tools: Tools, signal: AbortSignal): Promise<boolean> {
  const etcd = await tools.etcd()
  try {
    const [own, { leaderId }] = await Promise.all([etcd.ownId(signal), etcd.ownStatus(signal)])
    return own === leaderId
  } finally {
    etcd.close()
  }
}

/** Has another voter lead etcd, `to` before others; answers in words who does, undefined where this node's member did not lead. */
export async function moveEtcdLeader(
  to: string,
  { tools, signal, progress }: ChangeContext,
): Promise<string | undefined> {
  const etcd = await tools.etcd()
  try {
    const [own, { leaderId }, { members }] = await Promise.all([
      etcd.ownId(signal),
      etcd.ownStatus(signal),
      etcd.members(signal),
    ])
    if (own !== leaderId) return undefined
    const able = members.filter(({ id, learner, status }) => id !== own && !learner && status !== undefined)
    const target = able.find(({ name }) => name === to) ?? able[0]
    if (target === undefined) return 'etcd is still led here: no other voter answers'
    progress(`moving the leadership of etcd to ${target.name}`)
    await etcd.moveLeader(target.id, signal)
    return `${target.name} leads etcd`
  } finally {
    etcd.close()
  }
}
