import { createInterface } from 'node:readline/promises'
import { asQuorateError, exitCode } from '@quorate/shared/errors'
import { version } from '@quorate/shared/version'
import type { CliContext } from './cli/context.js'
import { runProgram } from './cli/program.js'
import { errorJson, errorText } from './cli/render/error.js'
import { makeStyle } from './cli/render/style.js'
import type { Terminal } from './cli/terminal.js'
import { openSession } from './open-session.js'
import { serveRest } from './serve-rest.js'
import { defaultStateFolder } from './state/paths.js'

const { stdin, stdout, stderr, env } = process
const coloured = stdout.isTTY === true && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb'

const terminal: Terminal = {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  live: stdout.isTTY === true && env['TERM'] !== 'dumb',
  coloured,
  canAsk: stdin.isTTY === true && stderr.isTTY === true,
  size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
  async ask(question) {
    const lines = createInterface({ input: stdin, output: stderr })
    return lines.question(question).finally(() => lines.close())
  },
}

const context: CliContext = {
  terminal,
  input: () => stdin,
  version,
  defaultState: defaultStateFolder(),
  openSession,
  serve: serveRest,
  onStop(callback) {
    process.on('SIGINT', callback)
    process.on('SIGTERM', callback)
    return () => {
      process.off('SIGINT', callback)
      process.off('SIGTERM', callback)
    }
  },
  now: Date.now,
}

/** Runs one command line; sets the exit code and lets what is written drain. */
async function main(args: readonly string[]): Promise<void> {
  // Until it is known how it ended: a program that waits for nothing any more ends by itself, and that is no success.
  process.exitCode = exitCode.defect
  try {
    process.exitCode = await runProgram(context, args)
  } catch (thrown) {
    const error = asQuorateError(thrown)
    const json = args.includes('json') || args.includes('--output=json') || args.includes('-ojson')
    terminal.err(json ? errorJson(error) : errorText(error, makeStyle(coloured)))
    if (error.code === 'INTERNAL' && error.cause instanceof Error) terminal.err(`${error.cause.stack ?? ''}\n`)
    process.exitCode = error.exitCode
  }
}

// `quorate plan | head` closes the pipe: that is no defect.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
void main(process.argv.slice(2))
