// Asks an API server repeatedly and counts what a client would see: plain Node, so that it starts fast and runs anywhere.
// node probe.mjs NAME HOST PORT EVERY_MS [CERT KEY]: GET /readyz (or, with a client certificate, an authenticated write) until SIGTERM;
// (how long it waits for an answer: PATIENCE_MS, else two seconds); then one JSON line {name, count, failed, longestGapMs, errors}. Every probe has a connection of its own, as a new client would.
import fs from 'node:fs'
import https from 'node:https'

const [, , name, host, port, every, cert, key] = process.argv
const tls = cert ? { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } : {}
const request = cert
  ? {
      method: 'PATCH',
      path: '/api/v1/namespaces/default/configmaps/quorate-probe',
      headers: { 'content-type': 'application/merge-patch+json' },
    }
  : { method: 'GET', path: '/readyz' }
const patienceMs = Number(process.env.PATIENCE_MS ?? 2000)
const started = Date.now()
let [count, failed, longestGapMs, last, stopped] = [0, 0, 0, started, false]
const errors = {}
// Where anonymous requests are refused, they are refused from the first answer on: only an API server does that.
let refused

const ask = () =>
  new Promise((resolve) => {
    const sent = https.request(
      { host, port, ...request, ...tls, rejectUnauthorized: false, agent: false, timeout: patienceMs },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode))
      },
    )
    sent.on('error', (error) => resolve(error.code ?? error.message))
    sent.on('timeout', () => sent.destroy(new Error('timeout')))
    sent.end(cert ? JSON.stringify({ data: { at: String(Date.now()) } }) : undefined)
  })

const report = () => {
  stopped = true
  process.stdout.write(`${JSON.stringify({ name, count, failed, longestGapMs, errors })}\n`, () => process.exit(0))
}
process.on('SIGTERM', report)
process.on('SIGINT', report)

while (!stopped) {
  const sent = Date.now()
  const answer = await ask()
  const now = Date.now()
  count++
  refused ??= answer === 401
  if (answer === 200 || (refused && answer === 401)) {
    longestGapMs = Math.max(longestGapMs, now - last)
    last = now
  } else {
    failed++
    const seen = `${answer} at +${((now - started) / 1000).toFixed(1)}s`
    errors[seen] = (errors[seen] ?? 0) + 1
  }
  // At a fixed rate, without a fixed pause: a slow answer must not reduce the rate.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Number(every) - (Date.now() - sent))))
}
