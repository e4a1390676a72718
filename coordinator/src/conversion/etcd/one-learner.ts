import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { memberOf } from './members.js'

/**
 * Runs `join` once no other join of this process has a learner. kubeadm waits for its turn by itself, but only by asking: etcd 3.7.0 refuses the
 * second learner, keeps the refusal in its log, and makes a peer of it when a member starts again and replays that log. The peers knock at the
 * joiner's etcd for hours; a power cut later, eight of them took half a core.
 */
export async function oneLearner(
  run: ConversionRun,
  node: NodeEntry,
  { call, join }: { readonly call: ChangeCall; readonly join: () => Promise<void> },
): Promise<void> {
  if (run.inProcess.joining.size > 1) call.progress('waits until the etcd member that joins now votes')
  let joined: Promise<void> = Promise.resolve()
  await run.inProcess.learning(async () => {
    call.signal.throwIfAborted()
    joined = join()
    const ended = new AbortController()
    const end = () => ended.abort()
    joined.then(end, end)
    await untilVoter(run, node, AbortSignal.any([call.signal, ended.signal])).catch(() => undefined)
  })
  return joined
}

/**
 * The first control plane's own list: it knows of the vote at once, while etcd has no quorum until the new voter has started. No deadline: a large
 * database is learned for minutes, and a join that gives up ends the waiting.
 */
function untilVoter(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<unknown> {
  const look = async (): Promise<Look<true>> => {
    const { members } = await run
      .agent(run.first)
      .read('listEtcdMembers', { authentication: false, localList: true }, { signal })
    return memberOf(members, node)?.learner === false ? holds(true) : notYet('it does not vote')
  }
  const deadlineMs = Number.POSITIVE_INFINITY
  return until(`the etcd member of ${node.name} to vote`, look, { deadlineMs, everyMs: 500, signal })
}
