/**
 * `npm run figures [-- FOLDER]`: the shape of the code in numbers, of this clone or another one: files, lines, functions, folders and the floors that
 * they stand on, circles of imports, and how many files the last commits touched that added a step, an operation, a check or a kind of load balancer.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { filesBelow, importsOf } from './imports.js'

const root = resolve(process.argv[2] ?? '.')
const packages = ['shared', 'agent', 'coordinator'] as const

const linesOf = (text: string): number => text.split('\n').length - 1

interface Spanned {
  readonly start: number
  readonly end: number
}

/** Lines of each function, nested ones too. */
function functionLines(path: string, text: string): number[] {
  const found: number[] = []
  const note = ({ start, end }: Spanned): void => {
    found.push(linesOf(text.slice(start, end)) + 1)
  }
  new Visitor({
    FunctionDeclaration: note,
    FunctionExpression: note,
    ArrowFunctionExpression: note,
  }).visit(parseSync(path, text).program)
  return found
}

/** The value below which this share of them lies. */
function share(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

/** Nodes that reach themselves, together with all that they share the way with: each such set is a circle. */
function circlesOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const reach = new Map<string, Set<string>>()
  for (const from of graph.keys()) {
    const seen = new Set<string>()
    const todo = [...(graph.get(from) ?? [])]
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (seen.has(next)) continue
      seen.add(next)
      todo.push(...(graph.get(next) ?? []))
    }
    reach.set(from, seen)
  }
  const inCircle = [...graph.keys()].filter((one) => reach.get(one)?.has(one))
  const sets = new Map<string, string[]>()
  for (const one of inCircle) {
    const set = inCircle.filter((other) => reach.get(one)?.has(other) && reach.get(other)?.has(one)).sort()
    sets.set(set.join(), set)
  }
  return [...sets.values()]
}

/** The longest way down from any of them; what lies in a circle counts once. */
function floorsOf(graph: ReadonlyMap<string, ReadonlySet<string>>): number {
  const known = new Map<string, number>()
  const floor = (one: string, path: ReadonlySet<string>): number => {
    const before = known.get(one)
    if (before !== undefined) return before
    if (path.has(one)) return 0
    const below = [...(graph.get(one) ?? [])].map((next) => floor(next, new Set([...path, one])))
    const here = 1 + Math.max(0, ...below)
    known.set(one, here)
    return here
  }
  return Math.max(0, ...[...graph.keys()].map((one) => floor(one, new Set())))
}

const sources = packages
  .flatMap((name) => filesBelow(join(root, name, 'src')))
  .map((path) => relative(root, path))
  .filter((path) => !path.includes('/gen/'))
const texts = new Map(sources.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
const imports = new Map(
  sources.map((path) => [path, new Set(importsOf(root, path, texts.get(path) ?? '').filter((one) => texts.has(one)))]),
)
const folders = new Map<string, Set<string>>()
for (const [from, to] of imports)
  for (const target of to) {
    const [a, b] = [dirname(from), dirname(target)]
    folders.set(a, folders.get(a) ?? new Set())
    if (a !== b) folders.get(a)?.add(b)
  }

console.log('| package | files | lines | file p50 / p90 / max | function p50 / p90 / max |')
console.log('|---|---|---|---|---|')
for (const name of packages) {
  const own = sources.filter((path) => path.startsWith(`${name}/`))
  const lines = own.map((path) => linesOf(texts.get(path) ?? ''))
  const functions = own.flatMap((path) => functionLines(path, texts.get(path) ?? ''))
  const three = (values: readonly number[]) => `${share(values, 0.5)} / ${share(values, 0.9)} / ${Math.max(...values)}`
  const sum = lines.reduce((all, one) => all + one, 0)
  console.log(`| ${name} | ${own.length} | ${sum} | ${three(lines)} | ${three(functions)} |`)
}
const most = [...folders.keys()]
  .map((folder) => ({ folder, files: sources.filter((path) => dirname(path) === folder).length }))
  .sort((a, b) => b.files - a.files)
  .slice(0, 3)
  .map(({ folder, files }) => `${folder} ${files}`)
const [fileCircles, folderCircles] = [circlesOf(imports), circlesOf(folders)]
console.log(`\nFolders: ${folders.size} on ${floorsOf(folders)} floors; most files: ${most.join(', ')}.`)
console.log(`Circles of imports, types included: ${fileCircles.length} of files, ${folderCircles.length} of folders.`)
for (const circle of [...fileCircles, ...folderCircles]) console.log(`- ${circle.join(' ')}`)

/** Files of the product that the last commit touched in which a file appeared there. */
function touched(what: string, pattern: RegExp): string {
  const log = execFileSync(
    'git',
    ['log', '--no-merges', '--diff-filter=A', '--name-only', '--format=%x00%H', '-n', '400', '--', ...packages],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
  for (const entry of log.split('\0').slice(1)) {
    const [commit = '', ...added] = entry.trim().split('\n')
    const found = added.filter((path) => pattern.test(path))
    if (found.length !== 1 || added.length > 5) continue
    const all = execFileSync('git', ['show', '--name-only', '--format=', commit], { cwd: root, encoding: 'utf8' })
    const files = all.trim().split('\n')
    const product = files.filter((path) => /^(proto|shared|agent|coordinator)\//.test(path))
    return `| ${what} | ${found[0]} | ${commit.slice(0, 8)} | ${product.length} | ${files.length} |`
  }
  return `| ${what} | none that added it alone | | | |`
}

console.log('\n| last added | file | commit | files of the product | files in all |')
console.log('|---|---|---|---|---|')
console.log(touched('a step', /conversion\/steps\/[^/]+\.ts$/))
console.log(touched('an operation', /^agent\/src\/ops\/[^/]+\.ts$/))
console.log(touched('a check', /conversion\/checks\/[^/]+\.ts$/))
console.log(touched('a kind of load balancer', /conversion\/load-balancers\/[^/]+\.ts$/))
