import { errorsPage } from './errors-page.js'
import { findingsPage } from './findings-page.js'
import { orderPage } from './order-page.js'
import { reportSchemaPage } from './report-schema-page.js'

/** Pages that are generated from the code; test/contract holds the files to it. */
export const pages = (): Readonly<Record<string, string>> => ({
  'errors.md': errorsPage(),
  'findings.md': findingsPage(),
  'order.md': orderPage(),
  'report.schema.json': reportSchemaPage(),
})
