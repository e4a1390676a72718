// `npm run demo` in a fresh clone: installs what the project needs when it is not there yet, then runs lab/demo.ts.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (file, args) => {
  const { status, signal, error } = spawnSync(file, args, { cwd: root, stdio: 'inherit' })
  if (error) throw error
  if (signal) process.exit(130)
  return status ?? 1
}

if (!existsSync(`${root}node_modules/tsx`)) {
  process.stdout.write('Installing what Quorate needs (npm install; once, about half a minute) ...\n')
  const status = run('npm', ['install', '--no-audit', '--no-fund'])
  if (status !== 0) process.exit(status)
}
// Ctrl-C reaches the demo itself, which ends in order.
process.on('SIGINT', () => {})
process.exit(
  run(process.execPath, ['--import=tsx', '--conditions=@quorate/source', 'lab/demo.ts', ...process.argv.slice(2)]),
)
