import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import type { Answered, Question } from '@quorate/agent/host/network'
import { NodeNetwork } from '@quorate/agent/host/node-network'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import t, { type Test } from 'tap'

const ca = createFleetCa('cluster')
const serving = issueCertificate({
  ...{ ca, commonName: 'kube-apiserver', organizations: [], dnsNames: [], ipAddresses: ['127.0.0.1'], days: 1 },
  usage: 'server',
})
const network = new NodeNetwork({ host: new LinuxHost() })

/** An API server that counts who connects and what is asked. */
async function apiServer(t: Test) {
  const sockets: Socket[] = []
  let asked = 0
  const server = createServer({ cert: serving.certPem, key: serving.keyPem }, (_request, response) => {
    asked++
    response.end('ok')
  })
  server.on('secureConnection', (socket: Socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  t.teardown(() => server.closeAllConnections())
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.length, asked: () => asked }
}

function question(port: number, everyMs: number, answered: (answer: Answered) => void): Question {
  const request = Buffer.from('GET /readyz HTTP/1.1\r\nHost: it\r\n\r\n')
  return {
    ...{
      host: '127.0.0.1',
      port,
      serverName: '127.0.0.1',
      caPem: ca.certPem,
      everyMs,
      freshMs: 0,
      isRepeatable: true,
      answered,
    },
    request: () => request,
  }
}

/** Asks until `enough` is true after an answer; what did not go well is in what it resolves to. */
function askUntil(questions: (hear: (answer: Answered) => void) => Question[], freshMs: number, enough: () => boolean) {
  const failures: Answered[] = []
  return new Promise<readonly Answered[]>((resolve) => {
    const asking = network.keepAsking(
      questions((answer) => {
        if (!('status' in answer) || answer.status !== 200) failures.push(answer)
        if (!enough()) return
        asking.stop()
        resolve(failures)
      }),
      freshMs,
    )
  })
}

t.test('connections are kept; new ones are opened by turns, and none of it fails', async (t) => {
  const servers = [await apiServer(t), await apiServer(t)] as const
  const ask = (freshMs: number, enough: () => boolean) =>
    askUntil((hear) => servers.map(({ port }) => question(port, 5, hear)), freshMs, enough)
  t.same(await ask(3_600_000, () => servers.every(({ asked }) => asked() >= 30)), [])
  // Who has had no answer for a quarter of a second asks on a second connection, as on a starved machine.
  const kept = servers.map(({ connections }) => connections())
  t.ok(kept.every((count) => count < 30))
  t.same(await ask(10, () => servers.every(({ connections }, at) => connections() >= (kept[at] ?? 0) + 4)), [])
})

t.test('each is asked in its own rhythm by the one timer', async (t) => {
  const [fast, slow] = [await apiServer(t), await apiServer(t)]
  const seen = await askUntil(
    (hear) => [question(fast.port, 10, hear), question(slow.port, 50, hear)],
    3_600_000,
    () => slow.asked() >= 6,
  )
  t.same(seen, [])
  t.ok(fast.asked() > slow.asked())
})

t.test(
  'a kept connection to an API server that is shutting down is left; on a new one that is a failure',
  async (t) => {
    const body = '[+]ping ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n'
    let isEnding = false
    const server = createServer({ cert: serving.certPem, key: serving.keyPem }, (request, response) => {
      // Behind one address: a new connection goes to another server.
      const isKept = isEnding && seen.has(request.socket)
      seen.add(request.socket)
      response.statusCode = isKept || always ? 500 : 200
      response.end(response.statusCode === 500 ? body : 'ok')
    })
    const seen = new Set<unknown>()
    let always = false
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    t.teardown(() => server.closeAllConnections())
    const { port } = server.address() as AddressInfo
    let asked = 0
    t.same(
      await askUntil(
        (hear) => [
          question(port, 10, (answer) => {
            asked++
            isEnding = asked > 5
            hear(answer)
          }),
        ],
        3_600_000,
        () => asked >= 20,
      ),
      [],
    )
    always = true
    t.match(
      await askUntil(
        (hear) => [question(port, 10, hear)],
        3_600_000,
        () => true,
      ),
      [{ error: /shutting down/ }],
    )
  },
)
