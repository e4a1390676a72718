import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { forecastQuorum } from '@quorate/shared/etcd-quorum'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { readEtcd } from '../facts/read-facts.js'
import { learningMs } from './database-size.js'
import { memberOf } from './members.js'

/** How long an added member may take to answer: after a power cut and reboot about 20 s (etcd), longer with images to pull or a slow disk. */
const answerMs = 90_000
/** kubeadm itself tries to promote for two minutes. */
const promoteMs = 120_000

interface Broken {
  readonly call: ChangeCall
  readonly why: QuorateError
}

/**
 * Settles the member of an interrupted join. The member list decides, never an exit code (kubernetes/kubeadm#2997, #3152). No member, or one that
 * never started: `why` is thrown. A learner that answers is promoted. A voter that does not answer while there are two: QUORUM_AT_RISK.
 */
export async function settleMember(run: ConversionRun, node: NodeEntry, { call, why }: Broken): Promise<void> {
  const member = await answering(run, node, why)
  if (member.learner) await promote(run, node, { call, memberId: member.id, why })
  call.progress(`etcd member ${member.id} of ${node.name} votes: running kubeadm's remaining phases`)
}

/** The member of the node, once it answers. */
async function answering(run: ConversionRun, node: NodeEntry, why: QuorateError): Promise<EtcdMember> {
  let members: readonly EtcdMember[] = []
  const look = async (): Promise<Look<EtcdMember | undefined>> => {
    members = (await readEtcd(run)).members
    const member = memberOf(members, node)
    if (member === undefined) return holds(undefined)
    return member.status === undefined ? notYet(`member ${member.id} does not answer`) : holds(member)
  }
  const deadlineMs = answerMs + learningMs(await run.etcd())
  const member = await until(`etcd on ${node.name} to answer`, look, { deadlineMs, everyMs: 500 }).catch(
    (error: unknown) => {
      throw stuck(node, members, { why, error: asQuorateError(error) })
    },
  )
  if (member === undefined) throw why // etcd was not changed: a rollback is safe
  return member
}

/** A member that never answered: a learner, or one of three voters, can be removed. Otherwise the operator has to act. */
function stuck(
  node: NodeEntry,
  members: readonly EtcdMember[],
  { why, error }: { why: QuorateError; error: QuorateError },
): QuorateError {
  const member = memberOf(members, node)
  const removable = member !== undefined && (member.learner || forecastQuorum(members).holds)
  if (removable) return why
  return new QuorateError(
    'QUORUM_AT_RISK',
    `${node.name} did not finish its join and etcd cannot remove its member: ${error.message}`,
    { where: node.name, cause: why },
  )
}

async function promote(
  run: ConversionRun,
  node: NodeEntry,
  { call, memberId, why }: { call: ChangeCall; memberId: string; why: QuorateError },
): Promise<void> {
  let tries = 0
  const look = async (): Promise<Look<boolean>> => {
    const member = memberOf((await readEtcd(run)).members, node)
    if (member?.learner !== true) return holds(member !== undefined)
    tries += 1
    await run.agent(run.first).change('promoteEtcdMember', { memberId }, call, `promote-${tries}`)
    return holds(true)
  }
  call.progress(`etcd member ${memberId} of ${node.name} is a learner and answers: promoting it`)
  const promoted = await until(`etcd member ${memberId} to be promoted`, look, {
    deadlineMs: promoteMs + learningMs(await run.etcd()),
    everyMs: 2_000,
  }).catch(() => false)
  if (!promoted) throw why
}
