import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** RFC 3339 in UTC, to the millisecond: as Quorate writes times. */
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { 'date-time': dateTime } })
const schemas = new URL('../../docs/schemas/', import.meta.url)
const ending = '.schema.json'
const compiled = new Map<string, ValidateFunction>()

function schemaFor(type: string): ValidateFunction {
  const known = compiled.get(type)
  if (known !== undefined) return known
  const made = ajv.compile(JSON.parse(readFileSync(new URL(type + ending, schemas), 'utf8')) as object)
  compiled.set(type, made)
  return made
}

/** Types of all published schemas. */
export const publishedTypes = (): readonly string[] =>
  readdirSync(schemas)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort()

/** What the published schema of its type has against a document; empty when it is one. A cluster file says no type of itself. */
export function againstSchema(
  document: unknown,
  type = ((document ?? {}) as { readonly type?: unknown }).type,
): readonly string[] {
  if (typeof type !== 'string') return ['/ has no type']
  const validate = schemaFor(type)
  return validate(document)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath || '/'} ${message ?? ''} ${JSON.stringify(params)}`,
      )
}
