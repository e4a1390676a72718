import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isSea } from 'node:sea'
import { exitCode } from '@quorate/shared/errors'
import type { DetachedCommand } from './cli/context.js'
import { statePaths } from './state/paths.js'

/** Marks a process that `startDetached` started; without it another program's channel could be taken for ours. */
const mark = 'QUORATE_DETACHED'

/** What comes before the arguments of this very program: nothing for an executable, the bundle and Node's own options otherwise. */
const itself = (): readonly string[] => (isSea() ? [] : [...process.execArgv, process.argv[1] ?? ''])

/** Starts a command line of this program in a session of its own, without a terminal: what it prints goes to a log in the state folder. */
export function startDetached(args: readonly string[], state: string): DetachedCommand {
  const folder = statePaths(state).logs
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const log = join(folder, `${args[0]}-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${process.pid}.log`)
  const output = openSync(log, 'ax', 0o600)
  const child = spawn(process.execPath, [...itself(), ...args], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    env: { ...process.env, [mark]: '1' },
  })
  closeSync(output)
  const begun = new Promise<string>((resolve) => child.once('message', (run) => resolve(String(run))))
  const ended = new Promise<{ exitCode: number; said: string }>((resolve, reject) => {
    child.once('error', reject)
    // A signal that ends it before its run has begun was ours, or of somebody who meant the same.
    child.once('close', (code) => resolve({ exitCode: code ?? exitCode.interrupted, said: readFileSync(log, 'utf8') }))
  })
  return {
    pid: child.pid ?? 0,
    log,
    begun,
    ended,
    stop: () => child.kill('SIGTERM'),
    leave() {
      child.disconnect()
      child.unref()
    },
    forget: () => rmSync(log, { force: true }),
  }
}

/** In a process that `startDetached` started: says which run has begun. Undefined in any other. */
export function tellStarter(): ((run: string) => void) | undefined {
  const { env } = process
  if (env[mark] === undefined || process.send === undefined) return undefined
  delete env[mark]
  let told = false
  return (run) => {
    // Who started it may be gone by now; the run goes on.
    if (!told) process.send?.(run, undefined, undefined, () => undefined)
    told = true
  }
}
