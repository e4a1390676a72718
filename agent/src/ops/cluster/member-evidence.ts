import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { doneIf, type Evidence, type LookContext } from '../context/operation.js'

/** Evidence from etcd's member list as this node sees it; fails if etcd does not answer, and the outcome is then unknown. */
export async function memberEvidence(
  { tools, signal }: LookContext,
  isDone: (member: (id: string) => EtcdMember | undefined) => boolean,
): Promise<Evidence> {
  const etcd = await tools.etcd()
  try {
    const { members } = await etcd.members(signal)
    return doneIf(
      isDone((id) => members.find((one) => one.id === id)),
      { members: String(members.length) },
    )
  } finally {
    etcd.close()
  }
}
