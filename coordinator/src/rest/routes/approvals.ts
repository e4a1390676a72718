import type { ApprovalKind } from '@quorate/shared/approval'
import { parseApproval, type SignedApproval } from '@quorate/shared/approval'
import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import type { FastifyRequest, RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { approval } from '../../documents/approvals.js'
import { partOf } from '../../documents/document.js'
import { currentApprovals, giveApproval } from '../../runs/approvals/give.js'
import type { Approvable } from '../../runs/approvals/judge.js'
import { approve, planConversion } from '../../runs/plan.js'
import { planRollback } from '../../runs/rollback.js'
import type { Session } from '../../runs/session.js'
import { mayConcern } from '../context/may-concern.js'
import type { RestParts } from '../context/parts.js'
import { arrayOf, failures, refTo } from '../context/schemas.js'

interface Body {
  readonly approval: SignedApproval
  readonly clusterFile?: string
  readonly run?: string
  readonly keepEndpoint?: boolean
}

export const approvalRoutes = (parts: RestParts): readonly RouteOptions[] => [create(parts), list(parts)]

const text = { type: 'string', minLength: 1, maxLength: 16_384 } as const
const signed = {
  type: 'object',
  description: 'What `quorate approve HASH --plan plan.json --identity DIR` prints.',
  properties: {
    statement: { ...text, description: 'The text that is signed.' },
    signature: { ...text, description: "ECDSA with SHA-256 (DER) by the approver's own key, base64." },
    certificate: { ...text, description: 'Of the approver (PEM), issued by the fleet CA for the role approver.' },
  },
  required: ['statement', 'signature', 'certificate'],
  additionalProperties: false,
} as const

const create = ({ session }: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/approvals',
  config: { concerns: 'any' },
  schema: {
    operationId: 'createApproval',
    summary:
      'Approves a plan, which is made again and has to have the hash that was signed (409 otherwise). The run starts when as many approvers have signed as its cluster file requires.',
    body: {
      type: 'object',
      properties: {
        approval: signed,
        clusterFile: { type: 'string', description: 'Text of the cluster file (YAML), to approve a conversion.' },
        run: { type: 'string', description: 'To approve the rollback of this run.' },
        keepEndpoint: { type: 'boolean', default: false },
      },
      required: ['approval'],
      additionalProperties: false,
    },
    response: { 201: { description: 'The approval.', ...refTo('Approval') }, ...failures },
  },
  handler: async (request, reply) => {
    const body = request.body as Body
    const claim = parseApproval(body.approval.statement)
    requireScope(request, claim.cluster)
    const plan = await planFor(session, claim.kind, body)
    // What is planned is what counts: the cluster that was signed has to be this one.
    requireScope(request, plan.cluster)
    return reply.code(201).send(partOf(approval, await giveApproval(session, body.approval, plan)))
  },
})

async function planFor(session: Session, kind: ApprovalKind, body: Body): Promise<Approvable> {
  if (kind === 'rollback' && body.run !== undefined) {
    const { keepEndpoint = false } = body
    const { cluster, hash: planHash } = await planRollback(session, { id: parseRunId(body.run), keepEndpoint })
    return { cluster, kind, planHash }
  }
  if (kind === 'convert' && body.clusterFile !== undefined) {
    const plan = await planConversion(session, parseClusterFile(body.clusterFile, 'clusterFile'))
    approve(plan)
    return { cluster: plan.cluster, kind, planHash: plan.hash }
  }
  throw new QuorateError('USAGE', `a ${kind} cannot be approved with this request`, {
    remedy:
      'Send clusterFile for a conversion, run for a rollback. Fixes and drills are approved on the command line: `quorate approve`.',
  })
}

function requireScope({ caller }: FastifyRequest, cluster: string): void {
  if (caller === undefined || mayConcern(caller, cluster)) return
  throw new QuorateError('ACCESS_DENIED', `${caller.who} may approve plans of ${caller.clusters.join(', ')} only`)
}

const list = ({ session }: RestParts): RouteOptions => ({
  method: 'GET',
  url: '/v1/approvals',
  config: { concerns: 'any' },
  schema: {
    operationId: 'listApprovals',
    summary: 'Lists the approvals that hold now and that no run has used.',
    response: { 200: { description: 'The approvals.', ...arrayOf(refTo('Approval')) }, ...failures },
  },
  handler: async ({ caller }) =>
    (await currentApprovals(session))
      .filter(({ cluster }) => mayConcern(caller, cluster))
      .map((one) => partOf(approval, one)),
})
