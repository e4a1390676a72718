import { randomBytes } from 'node:crypto'
import { QuorateError } from '@quorate/shared/errors'
import type { CheckJoinRequest, CheckJoinResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { redact } from '@quorate/shared/redact'
import { commands } from '../host/commands.js'
import { runAsUnit } from '../host/transient-unit.js'
import { followLines } from './cluster/follow-lines.js'
import { joinConfigPath, joinDocuments, writeDocuments } from './cluster/join-document.js'
import { caPinsOf, parseJoinSecret } from './cluster/join-secret.js'
import { isPhaseLine, type PreflightFindings, preflightFindings } from './cluster/kubeadm-output.js'
import { streamOperation } from './context/operation.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import type { Tools } from './context/tools.js'

/** Preflight decrypts nothing, but requires local CA keys if there is no certificate key at all. */
const noKey = '0'.repeat(64)

/** Runs kubeadm's own preflight of a join; changes nothing on the node except images that it pulls. */
export const checkJoin = streamOperation<CheckJoinRequest, CheckJoinResponse>(async function* (request, tools, signal) {
  const lines = followLines((onLine) => preflight(request, tools, { onLine, signal }))
  let step = await lines.next()
  for (; step.done !== true; step = await lines.next()) {
    if (isPhaseLine(step.value)) yield { event: { $case: 'progress', progress: { message: redact(step.value) } } }
  }
  yield { event: { $case: 'findings', findings: step.value } }
})

interface Following {
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal
}

async function preflight(request: CheckJoinRequest, tools: Tools, following: Following): Promise<PreflightFindings> {
  const { host, sealing, pins, criSocket } = tools
  if (request.token === undefined) throw new QuorateError('INVALID_REQUEST', 'the request holds no sealed token')
  const about = { purpose: 'join-token', runId: request.runId } as const
  const opened = parseJoinSecret(await sealing.open(request.token.ciphertext, about))
  await pins.check('cluster-ca', caPinsOf(opened))
  const secret = { ...opened, certificateKey: noKey }
  const operationId = `check-join-${randomBytes(4).toString('hex')}`
  const documents = joinDocuments({ join: request.join, secret, criSocket, operationId })
  return withRuntimeFolder(host, operationId, async () => {
    await writeDocuments(host, documents)
    const { exitCode, output } = await runAsUnit({
      host,
      operationId,
      command: commands.joinPreflight(joinConfigPath(operationId)),
      ...following,
    })
    return preflightFindings(output, exitCode)
  })
}
