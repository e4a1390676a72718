import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { Command, CommandResult } from './host.js'

/** Far more than any of our programs prints; a runaway must not fill the agent's memory. */
const mostOutputBytes = 16 * 1024 * 1024
/** A shell's exit code for a program that is not installed. */
const notInstalled = 127

export interface RunOptions {
  readonly hostRoot: string
  readonly signal?: AbortSignal
}

/** Programs run in one language and time zone, so that their output can be parsed. Stand-ins of a simulated node find its files by QUORATE_HOST_ROOT. */
function environment(hostRoot: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LC_ALL: 'C',
    TZ: 'UTC',
    SYSTEMD_COLORS: '0',
    ...(hostRoot === '/' ? {} : { QUORATE_HOST_ROOT: hostRoot }),
  }
}

/**
 * Runs a program as a child, without a shell and with empty standard input, and waits for its end. A program that is
 * not installed has exit code 127, one killed by a signal 128 plus the signal's number (137 for SIGKILL). After its
 * timeout it is killed: COMMAND_FAILED. An aborted signal kills it and rejects with the signal's reason.
 */
export function runProgram(command: Command, { hostRoot, signal }: RunOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    if (!isInPath(command.file)) return resolve(notFound(command))
    const child = spawn(command.file, command.args, { env: environment(hostRoot), stdio: ['ignore', 'pipe', 'pipe'] })
    const stdout = gather(child.stdout, () => child.kill('SIGKILL'))
    const stderr = gather(child.stderr, () => child.kill('SIGKILL'))
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, command.timeoutMs)
    const stop = (): void => void child.kill('SIGKILL')
    signal?.addEventListener('abort', stop, { once: true })
    const end = (answer: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      answer()
    }
    child.on('error', (error: NodeJS.ErrnoException) =>
      end(() => {
        if (error.code !== 'ENOENT') return reject(error)
        resolve(notFound(command))
      }),
    )
    child.on('close', (code, killedBy) =>
      end(() => {
        if (signal?.aborted) return reject(signal.reason)
        if (timedOut) return reject(tooLong(command))
        resolve({ exitCode: code ?? signalExit(killedBy), stdout: stdout(), stderr: stderr() })
      }),
    )
  })
}

/** As execvp(3) searches. Trying to start it would cost a fork of this process, and most nodes lack the load balancer's programs. */
function isInPath(file: string): boolean {
  const folders = (process.env['PATH'] ?? '/bin:/usr/bin').split(':')
  return folders.some((folder) => existsSync(resolvePath(folder, file)))
}

const notFound = ({ file }: Command): CommandResult => ({
  exitCode: notInstalled,
  stdout: '',
  stderr: `${file}: not found in PATH`,
})

function gather(stream: NodeJS.ReadableStream, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > mostOutputBytes) onTooMuch()
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function signalExit(signal: NodeJS.Signals | null): number {
  return 128 + (signal === 'SIGKILL' ? 9 : 15)
}

function tooLong(command: Command): QuorateError {
  return new QuorateError(
    'COMMAND_FAILED',
    `${command.file} ${command.args[0] ?? ''} did not end within ${command.timeoutMs / 1000} s and was killed`,
  )
}
