import { approval } from '../../documents/approvals.js'
import { jsonSchema, schemaOf } from '../../documents/document.js'
import { node, renewals } from '../../documents/fleet.js'
import { history } from '../../documents/history.js'
import { drillPlan, fixPlan, plan, rollbackPlan } from '../../documents/plan.js'
import { run, runSummary } from '../../documents/run.js'
import { runError, text } from '../../documents/words.js'
import { reportDocument } from '../../report/schema.js'

/** JSON Schemas (2020-12, as in OpenAPI 3.1) of responses, made from the documents that the command line prints. `$id` is their name in the document. */

const named = (id: string, { $schema: _, ...schema }: Record<string, unknown>) => ({ $id: id, ...schema })

/** All, for `app.addSchema`. */
export const schemas = [
  named('Error', schemaOf(runError.extend({ correlationId: text.optional() }))),
  named('Plan', jsonSchema(plan)),
  named('RunSummary', schemaOf(runSummary)),
  named('Run', jsonSchema(run)),
  named('RunReport', jsonSchema(reportDocument)),
  named('FixPlan', jsonSchema(fixPlan)),
  named('DrillPlan', jsonSchema(drillPlan)),
  named('RollbackPlan', jsonSchema(rollbackPlan)),
  named('Node', schemaOf(node)),
  named('Approval', schemaOf(approval)),
  named('Renewals', jsonSchema(renewals)),
  named('History', jsonSchema(history)),
]

export const refTo = (id: string) => ({ $ref: `${id}#` }) as const
export const arrayOf = (items: unknown) => ({ type: 'array', items }) as const

const failure = (description: string) => ({ description, ...refTo('Error') })

/** The error responses of every route that needs credentials. */
export const failures = {
  401: failure('No valid token or client certificate.'),
  403: failure('The role does not permit this.'),
  '4xx': failure('The request is refused; see code and remedy.'),
  '5xx': failure('A node fails to answer correctly, or this is a bug in Quorate (then without details).'),
}
