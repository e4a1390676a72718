// Installs the dependencies of a fresh clone, from the lock file, if they are missing.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

if (!existsSync(`${root}node_modules/tsx`)) {
  process.stdout.write('Installing the dependencies of Quorate (npm ci; once, about half a minute) ...\n')
  const { status, signal, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) process.exit(signal ? 130 : (status ?? 1))
}
