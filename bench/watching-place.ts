/** The two processes of bench/availability.ts: API servers (`serve`), and a node that watches them (`watch`). Bundled, so that nothing else runs. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { NodeNetwork } from '@quorate/agent/host/node-network'
import { Watch } from '@quorate/agent/ops/availability/watch'
import type { Tools } from '@quorate/agent/ops/context/tools'
import type { KeyPair } from '@quorate/shared/issue-certificate'

export interface ServeOrder {
  readonly serving: KeyPair
  readonly caPem: string
}

export interface WatchOrder {
  readonly port: number
  readonly admin: KeyPair
  readonly caPem: string
  readonly measuredMs: number
}

export interface Measured {
  /** User and system CPU time, microseconds. */
  readonly cpuUs: number
  readonly targets: number
  readonly asked: number
  readonly failed: number
}

/** Node compiles hot code: a conversion takes about a minute, so its first seconds do not count. */
const warmUpMs = 20_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** About the size of a kube-apiserver's answer: its header for /readyz, and a Lease with its managed fields. */
const headers = {
  'Cache-Control': 'no-cache, private',
  'X-Kubernetes-Pf-Flowschema-Uid': '7d5b1c2e-0d0f-4c39-9d57-9f6f5d1d7a10',
  'X-Kubernetes-Pf-Prioritylevel-Uid': '7d5b1c2e-0d0f-4c39-9d57-9f6f5d1d7a10',
}
const lease = JSON.stringify({ kind: 'Lease', spec: {}, padding: 'x'.repeat(900) })

async function serve({ serving, caPem }: ServeOrder): Promise<number> {
  const server = createServer(
    { cert: serving.certPem, key: serving.keyPem, ca: caPem, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      request.resume()
      const body = request.method === 'PATCH' ? lease : 'ok'
      // As Go's net/http does: the varying headers first, then the length.
      const own = { 'Audit-Id': randomUUID(), Date: new Date().toUTCString(), 'Content-Length': body.length }
      response.writeHead(200, { ...headers, ...own }).end(body)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function watch({ port, admin, caPem, measuredMs }: WatchOrder): Promise<Measured> {
  const kube = async () => ({ create: async () => ({}), remove: async () => undefined })
  const tools = { network: new NodeNetwork({ host: new LinuxHost() }), kube } as unknown as Tools
  const target = (name: string, { write = false, everyMs = 0 } = {}) => ({
    ...{ name, host: '127.0.0.1', port, serverName: '127.0.0.1', write, everyMs },
  })
  const watching = new Watch({
    tools,
    targets: [
      ...['endpoint', 'cp1'].map((name) => target(name)),
      ...['cp2', 'cp3'].map((name) => target(name, { everyMs: 100 })),
      target('write', { write: true }),
    ],
    caPem,
    credentials: { cert: admin.certPem, key: admin.keyPem },
    everyMs: { read: 50, write: 250 },
  })
  await sleep(warmUpMs)
  watching.take()
  const before = process.cpuUsage()
  await sleep(measuredMs)
  const { user, system } = process.cpuUsage(before)
  const seen = watching.take()
  await watching.end()
  const sum = (field: 'asked' | 'failed') => seen.reduce((total, one) => total + one[field], 0)
  return { cpuUs: user + system, targets: seen.length, asked: sum('asked'), failed: sum('failed') }
}

process.once('disconnect', () => process.exit())
process.once('message', (order: ServeOrder | WatchOrder) => {
  void ('serving' in order ? serve(order) : watch(order)).then((answer) => process.send?.(answer))
})
