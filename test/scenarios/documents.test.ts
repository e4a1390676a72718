import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import type { ProgramRun } from '../../lab/simulated/cluster.js'
import { flaws } from '../faults/flaws/all.js'
import { simulatedFlaws } from '../faults/flaws/simulated.js'
import { operatorKubeconfig } from '../support/discovered.js'
import { goneSoon, typed } from '../support/on-terminal.js'
import { againstSchema, publishedTypes } from '../support/published-schemas.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'

interface Printed {
  readonly type: string
  readonly [field: string]: unknown
}

/** What a command with `-o json` printed: every line is a document of the published schemas. */
function printed(t: Test, { stdout, stderr }: ProgramRun, name: string): Printed[] {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.startsWith('{'))
  const documents = lines.map((line) => JSON.parse(line) as Printed)
  t.ok(documents.length > 0, `${name} prints JSON`)
  t.same(
    documents.flatMap((document) => againstSchema(document).map((wrong) => `${document.type}: ${wrong}`)),
    [],
    name,
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
  type Quorate = (args: readonly string[]) => ProgramRun | Promise<ProgramRun>
  const check = async (
    args: readonly string[],
    types: readonly string[],
    { exitCode = 0, quorate = (all) => cluster.quorate(all) }: { exitCode?: number; quorate?: Quorate } = {},
  ) => {
    const name = args.join(' ')
    const run = await quorate([...args, '-o', 'json'])
    ended(t, run, exitCode)
    const documents = printed(t, run, name)
    t.same(typesOf(documents), types, name)
    for (const { type } of documents) seen.add(type)
    return documents
  }
  const folder = mkdtempSync(join(tmpdir(), 'quorate-documents-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = ['-f', cluster.clusterFile]

  const { name: node, address } = cluster.node('cp1')

  const ofAnother: Quorate = (args) => cluster.startQuorate(args, { state: `${folder}/state` }).ended
  await check(['init'], ['initialised'], { quorate: ofAnother })
  const enroll = ['enroll', node, '--address', address, '--bundle', `${folder}/bundle`]
  await check(enroll, ['enrolled'], { quorate: ofAnother })
  writeFileSync(`${folder}/log`, 'token id "abcdef" is invalid for this cluster or it has expired.\n')
  const [explained] = await check(['explain', `${folder}/log`], ['explanation'])
  t.match(explained, { recognised: [{ explanation: 'token-unknown' }] })
  t.same(againstSchema(parse(readFileSync(cluster.clusterFile, 'utf8')), 'cluster-file'), [])
  seen.add('cluster-file')

  await check(['discover', '--kubeconfig', operatorKubeconfig(cluster)], ['draft'])
  writeFileSync(`${folder}/quorate-agent`, '#!/bin/sh\n')
  // No machine of the simulation has an sshd: each is a node that is not done, with its reason.
  await check(['deploy', ...file, '--check', '--agent', `${folder}/quorate-agent`], ['deployment'], { exitCode: 3 })
  await check(['nodes'], ['nodes'])
  await check(['upgrade-check'], ['upgrade-check'])
  await check(['root', 'show'], ['root'])
  await check(['renew'], ['renewals'])
  await check(['renew', 'coordinator', '--early'], ['renewals'])
  await check(['revoke', 'coordinator', '--yes'], ['revocation'])
  await check(['plan', ...file], ['plan'])
  await check(['verify', ...file], ['verification'], { exitCode: 7 })
  const [offered] = await check(['verify', ...file, '--fix', '--yes'], ['fix-plan'], { exitCode: 7 })
  t.match(JSON.stringify(offered), /Run `quorate convert/, 'a cluster that was never converted is not repaired')
  await check(['convert', ...file, '--yes'], ['event', 'plan', 'report'])
  const run = runOf(cluster)
  await check(['status'], ['runs'])
  await check(['status', run], ['run'])
  await check(['report', run], ['report'])
  await check(['report', run, '--html', `${folder}/report.html`], ['report-file'])
  await check(['backends', ...file], ['backends'])
  await check(['backup', 'list'], ['backups'])
  await check(['backup', 'verify'], ['backups'])
  await check(['backup', 'restore', run, node, 'files', '--to', `${folder}/restored`], ['restored'])
  await check(['token', 'create', 'dashboard'], ['token-created'])
  await check(['token', 'node', 'spare.example.com', '--address', '192.0.2.9'], ['node-token-created'])
  await check(['token', 'list'], ['tokens'])
  await check(['identity', 'issue', 'alice', '--role', 'approver', '--to', `${folder}/alice`], ['identity-issued'])
  await check(['identity', 'list'], ['identities'])
  await check(['approvals', 'list'], ['approvals'])
  await check(['audit', 'list'], ['history'])
  await check(['audit', 'list', '--node', node], ['calls'])
  await check(['audit', 'verify', '--against-agents'], ['history-verification'])
  await check(['verify', ...file], ['verification'])
  await check(
    ['drill', ...file, '--only', 'api-server', '--down-for', '3', '--yes', '--i-know-this-takes-parts-down'],
    ['drill-plan', 'drill-report', 'event'],
  )
  await check(['status', '20261129t000000-abcdef'], ['error'], { exitCode: 2 })

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

  const takeOut = await flaws.find(({ id }) => id === 'stale-cluster-info')?.put(await simulatedFlaws(cluster))
  await check(['verify', ...file, '--fix', '--yes'], ['event', 'fix-plan', 'report', 'verification'])
  const fix = runOf(cluster)
  const inBackground: Quorate = (args) => typed(cluster, args)
  const begun = await check(['rollback', fix, '--yes', '--detach'], ['detached', 'rollback-plan'], {
    quorate: inBackground,
  })
  await check(['watch', fix], ['event'])
  await goneSoon(Number(begun.find(({ type }) => type === 'detached')?.['pid']))
  await takeOut?.()

  const undone = await check(['rollback', run, '--yes'], ['event', 'rollback-plan', 'undo-availability'])
  t.ok(undone.length > 2)
  await check(['backup', 'prune', '--yes'], ['pruned'])
  await check(['verify', ...file], ['verification'], { exitCode: 7 })
  t.same([...seen].sort(), publishedTypes(), 'no document is published that no command was seen to print')
})
