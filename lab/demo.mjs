// `npm run demo`: runs lab/demo.ts; in a fresh clone it first installs the dependencies.
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import './ready.mjs'

// Ctrl-C reaches the demo itself, which shuts down cleanly.
process.on('SIGINT', () => {})
const argv = ['--import=tsx', '--conditions=@quorate/source', 'lab/demo.ts', ...process.argv.slice(2)]
const cwd = fileURLToPath(new URL('..', import.meta.url))
const { status, signal, error } = spawnSync(process.execPath, argv, { cwd, stdio: 'inherit' })
if (error) throw error
process.exit(signal ? 130 : (status ?? 1))
