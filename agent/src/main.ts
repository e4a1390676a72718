#!/usr/bin/env node
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { createLog } from '@quorate/shared/log'
import { version } from '@quorate/shared/version'
import { makeProgram } from './program.js'
import { startAgent } from './start-agent.js'

/** Below TimeoutStopSec of quorate-agent.service. */
const stopGraceMs = 25_000

const log = createLog('quorate-agent')

async function serveUntilStopped(path: string): Promise<void> {
  // Files are created with their final mode; a file without an explicit mode is private.
  process.umask(0o077)
  const agent = await startAgent(path, log)
  log.info('serving', { node: agent.node, listen: agent.listen, version })
  const stop = (signal: NodeJS.Signals): void => {
    log.info('stopping', { signal })
    agent.stop(stopGraceMs).then(() => process.exit(0), fail)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

/** Ends the process with what happened, why and what to do next; the stack only for a bug. */
function fail(error: unknown): never {
  const known = asQuorateError(error)
  if (!(error instanceof QuorateError)) log.error('defect', { error })
  process.stderr.write(`${known.code}: ${known.message}\n${known.remedy}\n`)
  process.exit(known.exitCode)
}

// `quorate-agent backups | head`: who reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.on('uncaughtException', (error) => {
  log.error('defect', { error })
  process.exit(1)
})

makeProgram(serveUntilStopped).parseAsync().catch(fail)
