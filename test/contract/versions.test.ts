import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseVersion } from '@quorate/shared/kubernetes-version'
import { type VersionRule, versionRules } from '@quorate/shared/version-rules'
import t from 'tap'

const root = resolve(import.meta.dirname, '../..')
const table = 'shared/src/version-rules.ts'

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return name === 'gen' ? [] : filesBelow(path)
    return path.endsWith('.ts') ? [relative(root, path)] : []
  })
}

const programs = ['shared/src', 'agent/src', 'coordinator/src'].flatMap((name) => filesBelow(join(root, name)))
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')
const rules: readonly (readonly [string, VersionRule])[] = Object.entries(versionRules)

t.test('each rule says what is so, where it begins or ends, and who says so', async (t) => {
  for (const [name, { says, from, until, source }] of rules) {
    t.ok(from !== undefined || until !== undefined, `${name} has a range of releases`)
    for (const release of [from ?? [], until ?? []].flat())
      t.equal(parseVersion(release).major, 1, `${name} ${release}`)
    t.match(source, /#\d{2,}|cmd\/kubeadm\/app\/.+\.go/, `${name} has a source`)
    t.ok(says.length > 20, name)
  }
})

t.test('each rule is asked for by its name, or with its family, outside of the table', async (t) => {
  const users = [...programs.filter((path) => path !== table), 'test/matrix/scenarios/versions.ts']
  const text = users.map(textOf).join('\n')
  for (const [name] of rules) {
    const family = name.includes('/') ? name.replace(/\/.*/, '/') : name
    t.ok(text.includes(`'${name}'`) || text.includes(`rulesOf('${family}')`), name)
  }
})

/** A release as a literal in code: `'1.31'`, `"v1.31.0"`. In comments and in sentences for people they may stand. */
const literals = (text: string): string[] =>
  [...text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').matchAll(/(['"`])v?1\.\d{2}(?:\.\d+)?\1/g)].map(([found]) => found)

t.test('no release stands in the programs but in the table', async (t) => {
  t.ok(literals(textOf(table)).length > 20, 'the test sees them there')
  t.same(literals("atLeast(version, '1.31') // '1.30'"), ["'1.31'"])
  t.same(
    // Of other programs than Kubernetes there is a table of its own.
    programs
      .filter((path) => path !== table && path !== 'shared/src/machine-versions.ts')
      .flatMap((path) => literals(textOf(path)).map((one) => `${path}: ${one}`)),
    [],
  )
})
