import type { Role } from '@quorate/shared/roles'

const readers: readonly Role[] = ['observer', 'operator', 'approver', 'auditor']
const operators: readonly Role[] = ['operator']

/** WHO MAY CALL WHAT: the roles of each route, or `public`, which needs no credentials. A route that is not here refuses every caller. */
export const accessTable: Readonly<Record<string, readonly Role[] | 'public'>> = {
  'POST /v1/plans': ['operator', 'approver'],
  'POST /v1/approvals': ['approver'],
  'GET /v1/approvals': readers,
  'POST /v1/fixes/plan': ['operator', 'approver'],
  'POST /v1/fixes': operators,
  'POST /v1/drills/plan': ['operator', 'approver'],
  'POST /v1/drills': operators,
  'POST /v1/runs': operators,
  'GET /v1/runs': readers,
  'GET /v1/runs/:id': readers,
  'POST /v1/runs/:id/resume': operators,
  'GET /v1/runs/:id/rollback': readers,
  'POST /v1/runs/:id/rollback': operators,
  'GET /v1/runs/:id/events': readers,
  'GET /v1/runs/:id/report': readers,
  'GET /v1/runs/:id/report.html': readers,
  'GET /v1/nodes': [...readers, 'enroller'],
  'POST /v1/identities/renew': ['operator', 'enroller'],
  'GET /v1/history': ['auditor'],
  'GET /v1/health': 'public',
  'GET /v1/openapi.json': [...readers, 'enroller'],
}

/** Who may call this route; undefined for one that the table lacks. */
export const accessOf = (method: string, url: string | undefined): readonly Role[] | 'public' | undefined =>
  Object.hasOwn(accessTable, `${method} ${url}`) ? accessTable[`${method} ${url}`] : undefined
