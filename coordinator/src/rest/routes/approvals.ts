import { type ApprovalKind, parseApproval, type SignedApproval } from '@quorate/shared/approval'
import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import type { FastifyRequest, RouteOptions } from 'fastify'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import { approval } from '../../documents/approvals.js'
import { partOf } from '../../documents/document.js'
import { planToApprove, type ToApprove } from '../../runs/all-kinds/plan-to-approve.js'
import { currentApprovals, giveApproval } from '../../runs/approvals/give.js'
import { mayConcern } from '../context/may-concern.js'
import type { RestParts } from '../context/parts.js'
import { type DrillWish, drillOf, drillWish, whileAsked } from '../context/plan-request.js'
import { arrayOf, failures, refTo } from '../context/schemas.js'

interface Body {
  readonly approval: SignedApproval
  readonly clusterFile?: string
  readonly drill?: DrillWish
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

const create = (parts: RestParts): RouteOptions => ({
  method: 'POST',
  url: '/v1/approvals',
  config: { concerns: 'any' },
  schema: {
    operationId: 'createApproval',
    summary:
      'Approves a plan, which is made again and has to have the hash that was signed (409 otherwise). The run starts when as many approvers have signed as its cluster file, or this server, requires.',
    body: {
      type: 'object',
      properties: {
        approval: signed,
        clusterFile: {
          type: 'string',
          description: 'Text of the cluster file (YAML), to approve a conversion, a fix or a drill.',
        },
        drill: drillWish,
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
    const { about } = await planToApprove(parts.session, toApprove(claim.kind, body), whileAsked(parts, reply))
    // What is planned is what counts: the cluster that was signed has to be this one.
    requireScope(request, about.cluster)
    return reply.code(201).send(partOf(approval, await giveApproval(parts.session, body.approval, about)))
  },
})

function toApprove(kind: ApprovalKind, { run, keepEndpoint = false, clusterFile: fileText, drill }: Body): ToApprove {
  if (kind === 'rollback' && run !== undefined) return { kind, id: parseRunId(run), keepEndpoint }
  if (kind === 'rollback' || fileText === undefined)
    throw new QuorateError('USAGE', `the request does not say which ${kind} is approved`, {
      remedy:
        'Send clusterFile for a conversion, a fix or a drill (with the options of the drill), run for a rollback.',
    })
  const file = parseClusterFile(fileText, 'clusterFile')
  return kind === 'drill' ? { kind, request: drillOf({ file, fileText }, drill) } : { kind, file }
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
