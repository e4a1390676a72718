import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** RFC 3339 in UTC, to the millisecond: as Quorate writes times. */
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { 'date-time': dateTime } })
const compiled = new Map<string, ValidateFunction>()

function schemaFor(type: string): ValidateFunction {
  const known = compiled.get(type)
  if (known !== undefined) return known
  const path = new URL(`../../docs/schemas/${type}.schema.json`, import.meta.url)
  const made = ajv.compile(JSON.parse(readFileSync(path, 'utf8')) as object)
  compiled.set(type, made)
  return made
}

/** What the published schema of its type has against a document; empty when it is one. */
export function againstSchema(document: unknown): readonly string[] {
  const { type } = (document ?? {}) as { readonly type?: unknown }
  if (typeof type !== 'string') return ['/ has no type']
  const validate = schemaFor(type)
  return validate(document)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath || '/'} ${message ?? ''} ${JSON.stringify(params)}`,
      )
}
