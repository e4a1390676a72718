import type { ErrorCode, QuorateError } from '@quorate/shared/errors'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { joinSpec } from './join-spec.js'

/** Errors after which there is nothing to recover: the join never began, or another run holds the cluster. */
const notBegun: ReadonlySet<ErrorCode> = new Set([
  'AGENT_UNREACHABLE',
  'AGENT_UNTRUSTED',
  'NODE_REVOKED',
  'ACCESS_DENIED',
  'FENCED',
  'NODE_BUSY',
  'INVALID_REQUEST',
  'OPERATION_MISMATCH',
  'SECRET_NOT_FOR_US',
  'DRIFT',
  'INTERRUPTED',
])

/**
 * Recovers a join that failed or whose outcome is unknown. What etcd and the node report decides, never an exit code (kubernetes/kubeadm#2997,
 * #3152): either kubeadm's remaining phases run, or `why` is thrown and the join is rolled back. QUORUM_AT_RISK where neither is possible.
 */
export async function recoverJoin(
  run: ConversionRun,
  node: NodeEntry,
  { call, why }: { call: ChangeCall; why: QuorateError },
): Promise<OperationResult> {
  if (notBegun.has(why.code)) throw why
  await (await run.etcdTopology()).settleJoin(node, { call, why })
  return run.agent(node).change('finishJoin', { join: await joinSpec(run, node) }, call, 'finish-join')
}
