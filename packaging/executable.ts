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

export interface Executable {
  /** Has `main.cjs`, and gets what is made of it. */
  readonly folder: string
  readonly program: Program
  /** The Node binary of that architecture. */
  readonly node: string
  readonly architecture: Architecture
}

/**
 * Makes `blob` of `main.cjs`: its text, and what V8 compiled of it, without which a start would parse all of it again. That is made by the very Node that
 * will use it, another architecture's by an emulator, with the same flags, or it is refused; and with the same seed, or it would be other bytes each time.
 */
function makeBlob({ folder, program: { execArgv }, node, architecture }: Executable): string {
  const config = {
    // Relative: the blob holds this path.
    main: 'main.cjs',
    output: 'blob',
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    useSnapshot: false,
    execArgv: [...execArgv, notTold],
  }
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config))
  const argv = [...architectures[architecture].emulator, node, ...execArgv, '--random-seed=1']
  const [command = '', ...args] = [...argv, '--experimental-sea-config', 'sea.json']
  execFileSync(command, args, { cwd: folder, ...quiet })
  return join(folder, 'blob')
}

/** Flags of V8 in a user's NODE_OPTIONS make a start slower, since what was compiled is refused. Node would print a warning of type `Warning` each time. */
const notTold = '--disable-warning=Warning'

/** Writes a copy of Node that runs the program. */
export function writeExecutable(target: string, executable: Executable): void {
  const { node, architecture } = executable
  const blob = makeBlob(executable)
  rmSync(target, { force: true })
  copyFileSync(node, target)
  chmodSync(target, 0o755)
  // The symbols are a quarter of the binary and of no use to an operator.
  execFileSync(architectures[architecture].strip, ['--strip-all', target], quiet)
  execFileSync(process.execPath, [postject, target, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse], quiet)
}
