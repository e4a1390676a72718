import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { asQuorateError, exitCode, QuorateError } from '@quorate/shared/errors'
import { version } from '@quorate/shared/version'
import type { CliContext } from './cli/context.js'
import { runProgram } from './cli/program.js'
import { makeStyle, printable } from './cli/render/style.js'
import type { Terminal } from './cli/terminal.js'
import { startDetached, tellStarter } from './detached.js'
import { defaultStateFolder } from './state/paths.js'
import { stateError } from './state/state-error.js'

const { stdin, stdout, stderr, env } = process
const coloured = stdout.isTTY === true && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb'

/** Output streams that were closed: a pipe into `head` (EPIPE), a closed terminal (EIO). */
const closed = new Set<NodeJS.WriteStream>()
const whenClosed = new Set<() => void>()
for (const stream of [stdout, stderr])
  stream.on('error', () => {
    closed.add(stream)
    for (const callback of whenClosed) callback()
  })

const write = (stream: NodeJS.WriteStream, text: string): void => {
  if (!closed.has(stream)) stream.write(text)
}

const noPassphrase = () =>
  new QuorateError('INTERRUPTED', 'no passphrase was given', { remedy: 'Nothing was changed. Run the command again.' })

/** One line; undefined where Ctrl-C or Ctrl-D was typed instead. */
async function lineFrom(lines: Interface, question: string): Promise<string | undefined> {
  const given = Promise.race([lines.question(question), once(lines, 'close').then(() => undefined)]).catch(
    () => undefined,
  )
  const answer = await given.finally(() => lines.close())
  if (answer === undefined) write(stderr, '\n')
  return answer
}

const terminal: Terminal = {
  out: (text) => write(stdout, text),
  err: (text) => write(stderr, text),
  live: stdout.isTTY === true && env['TERM'] !== 'dumb',
  coloured,
  canAsk: stdin.isTTY === true && stderr.isTTY === true,
  // A serial console reports 0 for an unknown size.
  size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
  // Neither Ctrl-C nor Ctrl-D is a yes.
  ask: async (question) => (await lineFrom(createInterface({ input: stdin, output: stderr }), question)) ?? '',
  async askSecret(question) {
    // A terminal that it writes to, but that shows nothing: what is typed is edited there as usual.
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
    const lines = createInterface({ input: stdin, output: silent, terminal: true })
    // Only now: until the interface has the terminal, the kernel shows what is typed and acts on Ctrl-C itself.
    write(stderr, question)
    const answer = await lineFrom(lines, '')
    if (answer === undefined) throw noPassphrase()
    write(stderr, '\n')
    return answer
  },
}

const begun = tellStarter()

const context: CliContext = {
  terminal,
  input: () => stdin,
  version,
  defaultState: defaultStateFolder(),
  // Read when they are used: `quorate --help` needs neither, and answers at once.
  openSession: async (...of) => (await import('./open-session.js')).openSession(...of),
  serve: async (options) => (await import('./serve-rest.js')).serveRest(options),
  onStop(callback) {
    for (const signal of stopSignals) process.on(signal, callback)
    return () => {
      for (const signal of stopSignals) process.off(signal, callback)
    }
  },
  onClosed(callback) {
    whenClosed.add(callback)
    return () => whenClosed.delete(callback)
  },
  detach: startDetached,
  ...(begun === undefined ? {} : { begun }),
  now: Date.now,
}

/** SIGHUP: the terminal or the connection to it was closed. A detached process has none and ignores it. */
const stopSignals: readonly NodeJS.Signals[] =
  begun === undefined ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM']
if (begun !== undefined) process.on('SIGHUP', () => undefined)

/** The state folder from the command line; good enough for a message. */
function stateFolder(args: readonly string[]): string {
  const at = args.findIndex((word) => word === '--state' || word.startsWith('--state='))
  const named = args[at]?.startsWith('--state=') ? args[at]?.slice('--state='.length) : args[at + 1]
  return (at === -1 ? undefined : named) ?? context.defaultState
}

/** Runs one command line; sets the exit code. */
async function main(args: readonly string[]): Promise<void> {
  // Until the outcome is known: a process whose event loop runs empty exits, and that is no success.
  process.exitCode = exitCode.defect
  try {
    const code = await runProgram(context, args)
    // Done, but the output was closed early: a script must not take that for a success that was read.
    process.exitCode = code === exitCode.done && closed.size > 0 ? exitCode.interrupted : code
  } catch (thrown) {
    const given = asQuorateError(thrown)
    const error = (given.code === 'INTERNAL' ? stateError(thrown, stateFolder(args)) : undefined) ?? given
    const { errorJson, errorText } = await import('./cli/render/error.js')
    const json = args.includes('json') || args.includes('--output=json') || args.includes('-ojson')
    terminal.err(json ? errorJson(error) : errorText(error, makeStyle(coloured)))
    // The stack of a call says nothing of a bug on the other side of it.
    if (error.code === 'INTERNAL' && error.cause instanceof Error && !('metadata' in error.cause))
      terminal.err(`${printable(error.cause.stack ?? '')}\n`)
    process.exitCode = error.exitCode
  }
}

/** All that was written has its reader, or that one is gone. */
const drained = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => (closed.has(stream) ? resolve() : void stream.write('', () => resolve())))

void main(process.argv.slice(2)).then(async () => {
  await Promise.all([stdout, stderr].map(drained))
  // Not when nothing is left to do: to a node that is switched off the kernel goes on connecting for two minutes.
  process.exit()
})
