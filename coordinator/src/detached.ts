import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isSea } from 'node:sea'
import { exitCode } from '@quorate/shared/errors'
import type { DetachedCommand } from './cli/context.js'
import { statePaths } from './state/paths.js'

/** Marks a process that `startDetached` started, to tell its IPC channel from another program's. */
const mark = 'QUORATE_DETACHED'

/** What precedes this program's arguments: nothing for a single executable, otherwise Node's options and the bundle. */
const itself = (): readonly string[] => (isSea() ? [] : [...process.execArgv, process.argv[1] ?? ''])

/** Starts a command line of this program in its own session, without a terminal; its output goes to a log in the state folder. */
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
    // A signal that ended it before its run started counts as an interruption.
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

/** In a process that `startDetached` started: reports the run that has started. Undefined in any other. */
export function tellStarter(): ((run: string) => void) | undefined {
  const { env } = process
  if (env[mark] === undefined || process.send === undefined) return undefined
  delete env[mark]
  let told = false
  return (run) => {
    // The starter may have exited by now; the run continues.
    if (!told) process.send?.(run, undefined, undefined, () => undefined)
    told = true
  }
}
