import { createLog } from '@quorate/shared/log'
import { Seldom } from '@quorate/shared/seldom'
import type { FastifyInstance } from 'fastify'
import type { History } from '../audit/history.js'

const log = createLog('quorate-rest')
/** A caller's read that succeeded is recorded once in this time; a page asks every second. */
const readMs = 3_600_000
/** The same refusal of the same address. */
const refusedMs = 10_000

/** Records every request that changes something or is refused, and that somebody read, in the history and in the log. */
export function recordRequests(app: FastifyInstance, history: History): void {
  const [reads, refusals] = [new Seldom(readMs), new Seldom(refusedMs)]
  // Before the answer leaves: who was answered is in the record.
  app.addHook('onSend', async (request, reply) => {
    const { method } = request
    // A unix socket has no address.
    const from = request.ip || 'unix socket'
    const { statusCode } = reply
    const what = `${method} ${request.routeOptions.url ?? '(no such route)'}`
    const { who = 'unknown', fingerprint } = request.caller ?? {}
    const caller = { who, ...(fingerprint === undefined ? {} : { fingerprint }) }
    const key = [what, caller.who, caller.fingerprint, from, statusCode].join(' ')
    const now = Date.now()
    if (statusCode >= 400 ? !refusals.isNews(key, now) : method === 'GET' && !reads.isNews(key, now)) return
    const entry = { what, ...caller, from, outcome: `status ${statusCode}` }
    log.info('request', entry)
    await history.append(entry).catch((error: unknown) => log.error('a request is not recorded', { error }))
  })
}
