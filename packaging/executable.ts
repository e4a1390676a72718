import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Architecture, architectures, type Program } from './programs.js'

const require = createRequire(import.meta.url)
const postject = join(dirname(require.resolve('postject/package.json')), 'dist', 'cli.js')
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
// What a tool says is in the error where it fails. strip and postject warn of each section that Node's binary has no name for.
const quiet: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'pipe'] }

/**
 * Makes `blob` of `main.cjs` in a folder: what an executable of any architecture carries, since it holds source text and no compiled code. `node`
 * has the version of the executable.
 */
export function makeBlob(folder: string, { execArgv }: Program, node: string): string {
  const config = {
    // Relative: the blob holds this path.
    main: 'main.cjs',
    output: 'blob',
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    useSnapshot: false,
    execArgv,
  }
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config))
  execFileSync(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder, ...quiet })
  return join(folder, 'blob')
}

export interface Executable {
  readonly blob: string
  /** The Node binary of that architecture. */
  readonly node: string
  readonly architecture: Architecture
}

/** Writes a copy of Node that runs the blob. */
export function writeExecutable(target: string, { blob, node, architecture }: Executable): void {
  rmSync(target, { force: true })
  copyFileSync(node, target)
  chmodSync(target, 0o755)
  // The symbols are a quarter of the binary and of no use to an operator.
  execFileSync(architectures[architecture].strip, ['--strip-all', target], quiet)
  execFileSync(process.execPath, [postject, target, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse], quiet)
}
