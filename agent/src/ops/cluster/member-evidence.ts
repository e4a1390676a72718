import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { doneIf, type Evidence, type LookContext } from '../operation.js'

/** A look at etcd's member list from this node; the look fails where etcd does not answer, and its answer is then unknown. */
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
