import { parseRunId } from '@quorate/shared/names'
import type { FastifyRequest, RouteOptions } from 'fastify'
import { written } from '../../documents/document.js'
import { contentSecurityPolicy, reportHtml } from '../../report/html/page.js'
import { makeReport } from '../../report/run-report.js'
import { type RunReport, reportDocument } from '../../report/schema.js'
import { readRun } from '../../runs/context/read-runs.js'
import { undoSentences } from '../../runs/undo-sentences.js'
import type { RestParts } from '../context/parts.js'
import { failures, refTo } from '../context/schemas.js'

const ofRun = { concerns: 'run' } as const
const params = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } as const

/** The same document as JSON and as a page. */
export const reportRoutes = (parts: RestParts): readonly RouteOptions[] => [
  {
    method: 'GET',
    url: '/v1/runs/:id/report',
    config: ofRun,
    schema: {
      operationId: 'getReport',
      summary: 'Returns a run as a document: what was found, done, observed and touched, and how to undo it.',
      params,
      response: { 200: { description: 'The report.', ...refTo('RunReport') }, ...failures },
    },
    handler: async (request) => written(reportDocument, await reportOf(parts, request)),
  },
  {
    method: 'GET',
    url: '/v1/runs/:id/report.html',
    config: ofRun,
    schema: {
      operationId: 'getReportPage',
      summary: 'Returns the report as one self-contained page for a browser or paper.',
      params,
      response: {
        200: {
          description: 'The page; it loads nothing else.',
          content: { 'text/html': { schema: { type: 'string' } } },
        },
        ...failures,
      },
    },
    handler: async (request, reply) =>
      reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', contentSecurityPolicy)
        .send(reportHtml(await reportOf(parts, request))),
  },
]

async function reportOf({ session }: RestParts, { params: given }: FastifyRequest): Promise<RunReport> {
  const id = parseRunId((given as { id: string }).id)
  return makeReport(await readRun(session, id), undoSentences(), Date.now())
}
