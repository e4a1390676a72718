import { written } from '@quorate/coordinator/documents/document'
import { reportDocument } from '@quorate/coordinator/report/schema'
import t from 'tap'
import { againstSchema } from '../../../support/published-schemas.js'
import { sampleReport } from '../../../support/sample-report.js'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
const copy = (): Json => written(reportDocument, sampleReport()) as Json

/** Every object of a document, with its path. */
function objects(value: Json, path = ''): { path: string; object: { [key: string]: Json } }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => objects(item, `${path}/${index}`))
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.entries(value).flatMap(([key, item]) => objects(item, `${path}/${key}`))
  return [{ path, object: value }, ...inner]
}

/** A dictionary, not a record: its keys are the operator's. */
const open = new Set(['/ignored'])

t.test('a report is what the published schema says', async (t) => {
  t.same(againstSchema(copy()), [])
})

t.test('the sample has every property that the schema knows, so that no part goes unchecked', async (t) => {
  const report = sampleReport()
  for (const part of ['error', 'site', 'endedAt'] as const) t.ok(report[part] !== undefined, part)
  for (const [name, value] of Object.entries(report))
    if (Array.isArray(value) && !['proof', 'backups'].includes(name)) t.ok(value.length > 0, name)
})

t.test('a key that the schema does not know fails wherever it is, and so does a value of another kind', async (t) => {
  const places = objects(copy()).filter(({ path }) => !open.has(path))
  t.ok(places.length > 40, 'the places were found')
  for (const { path } of places) {
    const report = copy()
    const at = objects(report).find((one) => one.path === path)?.object ?? {}
    at['unknown'] = 'x'
    t.ok(
      againstSchema(report).some((message) => message.startsWith(path || '/')),
      `unknown key in ${path || '/'}`,
    )
    delete at['unknown']
    for (const key of Object.keys(at)) {
      const kept = at[key] as Json
      at[key] = null
      t.ok(againstSchema(report).length > 0, `null at ${path}/${key}`)
      at[key] = kept
    }
  }
})
