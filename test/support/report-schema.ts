import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'

const published = JSON.parse(
  readFileSync(new URL('../../docs/schemas/report.schema.json', import.meta.url), 'utf8'),
) as object
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(published)

/** What the published schema has against a report; empty when it is one. */
export const againstSchema = (report: unknown): readonly string[] =>
  validate(report)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message ?? ''}`)
