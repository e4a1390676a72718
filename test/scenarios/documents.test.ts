import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { againstSchema } from '../support/published-schemas.js'
import { clusterForTest, runOf } from '../support/simulated-cluster.js'

interface Printed {
  readonly type: string
  readonly [field: string]: unknown
}

/** Runs a command with `-o json`; every line that it prints is a document of the published schemas. */
async function printed(t: Test, cluster: SimulatedCluster, args: readonly string[], exitCode = 0): Promise<Printed[]> {
  const ended = await cluster.quorate([...args, '-o', 'json'])
  t.equal(ended.exitCode, exitCode, `${args.join(' ')} ends with ${exitCode}`, { said: ended.stdout + ended.stderr })
  const lines = `${ended.stdout}\n${ended.stderr}`.split('\n').filter((line) => line.startsWith('{'))
  const documents = lines.map((line) => JSON.parse(line) as Printed)
  t.ok(documents.length > 0, `${args.join(' ')} prints JSON`)
  t.same(
    documents.flatMap((document) => againstSchema(document).map((wrong) => `${document.type}: ${wrong}`)),
    [],
    args.join(' '),
  )
  t.ok(
    documents.every(({ apiVersion }) => apiVersion === 'quorate/v1'),
    'each has a version',
  )
  return documents
}

/** Every key of a value with its path, without the values. */
function keysOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => keysOf(one, `${path}[]`)))]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => [`${path}.${key}`, ...keysOf(one, `${path}.${key}`)])
}

const typesOf = (documents: readonly Printed[]): readonly string[] =>
  [...new Set(documents.map(({ type }) => type))].sort()

t.test('what each command prints with -o json is what its published schema says', async (t) => {
  const seen = new Set<string>()
  const cluster = await clusterForTest(t, { workers: 1 })
  const check = async (args: readonly string[], types: readonly string[], exitCode = 0) => {
    const documents = await printed(t, cluster, args, exitCode)
    t.same(typesOf(documents), types, args.join(' '))
    for (const { type } of documents) seen.add(type)
    return documents
  }
  const folder = mkdtempSync(join(tmpdir(), 'quorate-documents-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = ['-f', cluster.clusterFile]

  await check(['nodes'], ['nodes'])
  await check(['plan', ...file], ['plan'])
  await check(['verify', ...file], ['verification'], 7)
  await check(['convert', ...file, '--yes'], ['event', 'plan', 'report'])
  const run = runOf(cluster)
  await check(['status'], ['runs'])
  await check(['status', run], ['run'])
  await check(['report', run], ['report'])
  await check(['report', run, '--html', `${folder}/report.html`], ['report-file'])
  await check(['backends', ...file], ['backends'])
  await check(['backup', 'list'], ['backups'])
  await check(['backup', 'verify'], ['backups'])
  const node = cluster.node('cp1').name
  await check(['backup', 'restore', run, node, 'files', '--to', `${folder}/restored`], ['restored'])
  await check(['token', 'create', 'dashboard'], ['token-created'])
  await check(['token', 'list'], ['tokens'])
  await check(['audit', 'list'], ['history'])
  await check(['audit', 'list', '--node', node], ['calls'])
  await check(['audit', 'verify', '--against-agents'], ['history-verification'])
  await check(['verify', ...file], ['verification'])
  await check(
    ['drill', ...file, '--only', 'api-server', '--down-for', '3', '--yes', '--i-know-this-takes-parts-down'],
    ['drill-plan', 'drill-report', 'event'],
  )
  await check(['status', '20261129t000000-abcdef'], ['error'], 2)

  const watched = await check(['watch', run], ['event'])
  const journal = readFileSync(join(cluster.stateFolder, 'runs', `${run}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  const recorded = journal.map((line) => (JSON.parse(line) as { record: unknown }).record)
  const said = new Set(keysOf(watched))
  t.same(
    keysOf(recorded).filter((key) => !said.has(key)),
    // Secrets for other nodes, sealed or not, are in no output.
    ['[].event.result.sealed'],
    'nothing else of the journal is left out',
  )

  const undone = await check(['rollback', run, '--yes'], ['event', 'rollback-plan', 'undo-availability'])
  t.ok(undone.length > 2)
  const schemas = readdirSync(new URL('../../docs/schemas/', import.meta.url)).filter((name) => name.endsWith('.json'))
  // These need another cluster, a terminal or a process of their own: unit tests print them.
  const elsewhere = ['cluster-file', 'detached', 'enrolled', 'explanation', 'fix-plan', 'initialised']
  t.same(
    schemas.map((name) => name.replace('.schema.json', '')).filter((type) => !seen.has(type)),
    elsewhere,
  )
})
