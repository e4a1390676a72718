import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { dnsProblem, dnsQuestion } from '@quorate/agent/host/dns-question'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import type { Answered } from '@quorate/agent/host/network'
import { NodeNetwork } from '@quorate/agent/host/node-network'
import t from 'tap'

const network = new NodeNetwork({ host: new LinuxHost() })

/** A DNS server that answers with `rcode`, or not at all; from which ports it was asked. */
async function dnsServer(t: { teardown(end: () => unknown): void }, rcode: number | undefined) {
  const ports = new Set<number>()
  const server = createSocket('udp4')
  server.on('message', (question, { address, port }) => {
    ports.add(port)
    if (rcode === undefined) return
    const answer = Buffer.from(question)
    answer.writeUInt16BE(0x8180 | rcode, 2)
    // Somebody else's answer first.
    server.send(Buffer.concat([Buffer.from([answer[0] ?? 0, (answer[1] ?? 0) ^ 1]), answer.subarray(2)]), port, address)
    server.send(answer, port, address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: server.address().port, ports }
}

const ask = (port: number, count: number, host = '127.0.0.1') =>
  new Promise<readonly Answered[]>((resolve) => {
    const seen: Answered[] = []
    const asking = network.keepAsking(
      [
        {
          ...{ host, port, everyMs: 10, dnsName: 'kubernetes.default.svc.cluster.local' },
          answered(answer) {
            seen.push(answer)
            if (seen.length < count) return
            asking.stop()
            resolve(seen)
          },
        },
      ],
      2_000,
    )
  })

t.test('each question leaves by a port of its own, and only its own answer counts', async (t) => {
  const server = await dnsServer(t, 0)
  const seen = await ask(server.port, 5)
  t.ok(seen.every((answer) => 'status' in answer && answer.status === 200))
  t.ok(server.ports.size >= 5)
})

t.test('a server that cannot be reached is an answer too, and does not end the agent', async (t) => {
  // The broadcast address is refused at once, as an address without a route is.
  t.match((await ask(53, 2, '255.255.255.255'))[1], { error: /EACCES|ENETUNREACH/ })
})

t.test('that there is no such name is an answer, a server that cannot answer is none', async (t) => {
  t.match((await ask((await dnsServer(t, 3)).port, 1))[0], { status: 200 })
  t.match((await ask((await dnsServer(t, 2)).port, 1))[0], { error: 'SERVFAIL' })
})

t.test('nobody there, and nobody who answers', async (t) => {
  const server = await dnsServer(t, undefined)
  t.match((await ask(server.port, 1))[0], { error: 'no answer within 2000 ms' })
  const gone = createSocket('udp4').bind(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address()
  gone.close()
  t.match((await ask(port, 1))[0], { error: /ECONNREFUSED/ })
})

t.test('a question is as RFC 1035 has it', async (t) => {
  const { id, bytes } = dnsQuestion('a.example')
  t.equal(bytes.readUInt16BE(0), id)
  t.same([...bytes.subarray(2)], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 7, ...Buffer.from('example'), 0, 0, 1, 0, 1])
  t.equal(dnsProblem(Buffer.alloc(3), 1), 'unrelated')
  t.equal(dnsProblem(bytes, id), 'unrelated', 'a question is no answer')
})
