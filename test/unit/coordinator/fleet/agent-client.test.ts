import { once } from 'node:events'
import { createServer } from 'node:net'
import { Metadata, type ServerUnaryCall, type ServerWritableStream, type ServiceError, status } from '@grpc/grpc-js'
import {
  type GetNodeFactsRequest,
  GetNodeFactsResponse,
  type HoldPortsRequest,
  type HoldPortsResponse,
  type RestartKubeletRequest,
  type RestartKubeletResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { ErrorDetail, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import { parseNodeName } from '@quorate/shared/names'
import t from 'tap'
import type { ChangeCall } from '../../../../coordinator/src/fleet/agent.js'
import { connectFleet, type Fleet } from '../../../../coordinator/src/fleet/fleet.js'
import { type Handlers, serveAgent } from '../support/agent-server.js'

const ca = createFleetCa('testfleet')
const node = parseNodeName('cp1.example.com')
const identity = (authority: typeof ca, name: string, usage: 'client' | 'server', organization: string, days = 1) => {
  const { certPem, keyPem } = issueCertificate({
    ca: authority,
    commonName: name,
    organizations: [organization],
    dnsNames: [name],
    ipAddresses: [],
    days,
    usage,
  })
  return { ca: authority.certPem, cert: certPem, key: keyPem }
}
const coordinator = identity(ca, 'coordinator', 'client', 'quorate:operator')
const agentIdentity = identity(ca, node, 'server', 'quorate:node')

const serve = (handlers: Handlers, { port = 0, as = agentIdentity } = {}) => serveAgent(handlers, as, port)

interface Cleanup {
  teardown(work: () => unknown): void
}

function dial(t: Cleanup, port: number, options: { as?: typeof coordinator; changeMs?: number } = {}) {
  const fleet: Fleet = connectFleet(options.as ?? coordinator, {
    patience: { firstPauseMs: 20, longestPauseMs: 100, changeMs: options.changeMs ?? 5_000, readMs: 2_000 },
  })
  t.teardown(() => fleet.close())
  return fleet.agent({ name: node, address: '127.0.0.1', agent: `127.0.0.1:${port}` })
}

function changeCall(signal = new AbortController().signal) {
  const lines: string[] = []
  const done: unknown[] = []
  let headers = 0
  const call: ChangeCall = {
    async operation({ agent, label }, send) {
      headers += 1
      const operationId = `op-${label}-${agent.node}-${headers}`
      const result = await send({ operationId, runId: 'r', cluster: 'c', fencingToken: 3 })
      done.push([agent.node, label, result])
      return result
    },
    progress: (line) => void lines.push(line),
    signal,
  }
  return { call, lines, done }
}

const getNodeFacts = ((
  call: ServerUnaryCall<GetNodeFactsRequest, GetNodeFactsResponse>,
  callback: (error: null, answer: GetNodeFactsResponse) => void,
) => callback(null, GetNodeFactsResponse.fromPartial({ facts: { hostname: call.getPeer() } }))) as Handlers[string]

type Change = ServerWritableStream<RestartKubeletRequest, RestartKubeletResponse>
const say = (call: Change, message: string) =>
  call.write({ event: { event: { $case: 'progress', progress: { message } } } })
const finish = (call: Change, summary: string) => {
  call.write({ event: { event: { $case: 'result', result: OperationResult.fromPartial({ summary }) } } })
  call.end()
}
const failing = (code: status, details: string, detail?: Partial<ErrorDetail>): Partial<ServiceError> => {
  const metadata = new Metadata()
  if (detail !== undefined)
    metadata.set('quorate-error-bin', Buffer.from(ErrorDetail.encode(ErrorDetail.fromPartial(detail)).finish()))
  return { code, details, metadata }
}

t.test('reads, over mTLS, with the node proving its name', async (t) => {
  const { server, port } = await serve({ getNodeFacts })
  t.teardown(() => server.forceShutdown())
  const answer = await dial(t, port).read('getNodeFacts', {})
  t.match(answer.facts?.hostname, /127\.0\.0\.1/)
})

t.test(
  'the node that answers must be the one that was meant, of this fleet, with a certificate of today',
  async (t) => {
    const foreign = createFleetCa('otherfleet')
    const cases: Record<string, typeof agentIdentity> = {
      'another node of the fleet': identity(ca, 'cp2.example.com', 'server', 'quorate:node'),
      'one whose certificate ended yesterday': identity(ca, node, 'server', 'quorate:node', -1),
      'an agent of another fleet': { ...identity(foreign, node, 'server', 'quorate:node'), ca: ca.certPem },
    }
    for (const [name, as] of Object.entries(cases)) {
      const { server, port } = await serve({ getNodeFacts }, { as })
      t.teardown(() => server.forceShutdown())
      await t.rejects(
        dial(t, port).read('getNodeFacts', {}),
        { code: 'AGENT_UNTRUSTED', where: node, exitCode: 3 },
        name,
      )
      await t.rejects(
        dial(t, port).change('restartKubelet', {}, changeCall().call),
        { code: 'AGENT_UNTRUSTED' },
        `${name}, and at once`,
      )
    }
  },
)

t.test('what answers on the port is no agent of this fleet: said so, with what to check', async (t) => {
  const notOurs = /^what answers on the agent's port is not a Quorate agent of this fleet: /
  const ssh = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('SSH-2.0-OpenSSH_9.9\r\n')
  }).listen(0, '127.0.0.1')
  await once(ssh, 'listening')
  t.teardown(() => ssh.close())
  await t.rejects(dial(t, (ssh.address() as { port: number }).port).read('getNodeFacts', {}), {
    code: 'AGENT_UNTRUSTED',
    where: node,
    message: /is not a Quorate agent of this fleet: wrong version number$/,
    remedy: /address and port in the cluster file[\s\S]*ss -ltnp[\s\S]*quorate enroll NODE --address HOST --bundle DIR/,
  })
  const foreign = createFleetCa('otherfleet')
  const others = [
    { ...identity(foreign, node, 'server', 'quorate:node'), ca: ca.certPem },
    identity(ca, 'cp2.example.com', 'server', 'quorate:node'),
  ]
  for (const as of others) {
    const { server, port } = await serve({ getNodeFacts }, { as })
    t.teardown(() => server.forceShutdown())
    await t.rejects(dial(t, port).read('getNodeFacts', {}), { code: 'AGENT_UNTRUSTED', message: notOurs })
  }
  const expired = identity(ca, node, 'server', 'quorate:node', -1)
  const { server, port } = await serve({ getNodeFacts }, { as: expired })
  t.teardown(() => server.forceShutdown())
  await t.rejects(dial(t, port).read('getNodeFacts', {}), {
    code: 'AGENT_UNTRUSTED',
    message: /do not trust each other: certificate has expired/,
  })
})

t.test('an agent that refuses our certificate is a matter of trust too', async (t) => {
  const { server, port } = await serve({ getNodeFacts })
  t.teardown(() => server.forceShutdown())
  const stranger = {
    ...identity(createFleetCa('otherfleet'), 'coordinator', 'client', 'quorate:operator'),
    ca: ca.certPem,
  }
  await t.rejects(dial(t, port, { as: stranger }).read('getNodeFacts', {}), { code: 'AGENT_UNTRUSTED', where: node })
})

t.test('nobody there, and somebody who does not answer', async (t) => {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as { port: number }
  closed.close()
  const began = Date.now()
  await t.rejects(dial(t, port).read('getNodeFacts', {}), {
    code: 'AGENT_UNREACHABLE',
    where: node,
    message: /^the agent cannot be reached: connect ECONNREFUSED [^ ]+$/,
    exitCode: 3,
  })
  t.ok(Date.now() - began < 1_500, 'a node that never answered is not waited for')
  const { server, port: silent } = await serve({ getNodeFacts: () => undefined })
  t.teardown(() => server.forceShutdown())
  await t.rejects(dial(t, silent).read('getNodeFacts', {}, { deadlineMs: 100 }), {
    code: 'AGENT_UNREACHABLE',
    message: /in time/,
  })
})

t.test("an error comes with the node's own code, words and remedy", async (t) => {
  const cases: [Partial<ServiceError>, object][] = [
    [
      failing(status.UNAVAILABLE, 'x', { code: 'NODE_BUSY', message: 'join runs', remedy: 'wait' }),
      { code: 'NODE_BUSY', message: 'join runs', remedy: 'wait' },
    ],
    [
      failing(status.INTERNAL, 'x', { code: 'INTERNAL', message: 'defect', correlationId: 'c1' }),
      { code: 'INTERNAL', correlationId: 'c1' },
    ],
    [
      failing(status.ABORTED, 'x', { code: 'FROM_THE_FUTURE', message: 'new' }),
      { code: 'INTERNAL', message: 'FROM_THE_FUTURE: new' },
    ],
    [failing(status.PERMISSION_DENIED, 'no role'), { code: 'ACCESS_DENIED', message: 'no role' }],
    [failing(status.UNAUTHENTICATED, 'who?'), { code: 'AGENT_UNTRUSTED' }],
    [failing(status.UNIMPLEMENTED, 'old'), { code: 'INVALID_REQUEST' }],
  ]
  for (const [sent, expected] of cases) {
    const { server, port } = await serve({
      getNodeFacts: ((_call: unknown, callback: (error: unknown) => void) => callback(sent)) as Handlers[string],
    })
    const answer: unknown = await dial(t, port)
      .read('getNodeFacts', {})
      .catch((error: unknown) => error)
    t.match(answer, { ...expected, where: node })
    server.forceShutdown()
  }
})

t.test('a change streams progress, then its one result, which is told before the call ends', async (t) => {
  const { server, port } = await serve({
    restartKubelet: ((call: Change) => {
      say(call, 'stopping')
      say(call, 'starting')
      finish(call, call.request.header?.operationId ?? '')
    }) as Handlers[string],
  })
  t.teardown(() => server.forceShutdown())
  const { call, lines, done } = changeCall()
  const result = await dial(t, port).change('restartKubelet', {}, call, 'restart')
  t.equal(result.summary, `op-restart-${node}-1`)
  t.same(lines, ['stopping', 'starting'])
  t.match(done, [[node, 'restart', { summary: `op-restart-${node}-1` }]])
})

t.test('a stream that breaks is taken up again with the same operation id', async (t) => {
  const ids: string[] = []
  const onCall = (after: 'break' | 'finish') =>
    ((call: Change) => {
      ids.push(call.request.header?.operationId ?? '')
      say(call, after)
      if (after === 'finish') finish(call, 'the first result')
    }) as Handlers[string]
  const first = await serve({ restartKubelet: onCall('break') })
  const { call, lines } = changeCall()
  const pending = dial(t, first.port).change('restartKubelet', {}, call)
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  first.server.forceShutdown() // as a killed agent: the stream is cut
  await new Promise((resolve) => setTimeout(resolve, 150)) // nobody listens for a while
  const second = await serve({ restartKubelet: onCall('finish') }, { port: first.port })
  t.teardown(() => second.server.forceShutdown())
  t.equal((await pending).summary, 'the first result')
  t.equal(ids.length, 2)
  t.equal(ids[0], ids[1])
})

t.test(
  'an agent that does not come back is given up after the limit; an answer of refusal is not asked again',
  async (t) => {
    let calls = 0
    const { server, port } = await serve({
      restartKubelet: ((call: Change) => {
        calls += 1
        call.emit('error', failing(status.UNAVAILABLE, 'busy', { code: 'NODE_BUSY', message: 'busy' }))
      }) as Handlers[string],
    })
    const agent = dial(t, port, { changeMs: 300 })
    await t.rejects(agent.change('restartKubelet', {}, changeCall().call), { code: 'NODE_BUSY' })
    t.equal(calls, 1)
    server.forceShutdown()
    await t.rejects(agent.change('restartKubelet', {}, changeCall().call), { code: 'AGENT_UNREACHABLE', where: node })
  },
)

t.test('a read waits a little for an agent that answered before', async (t) => {
  const first = await serve({ getNodeFacts })
  const agent = dial(t, first.port)
  await agent.read('getNodeFacts', {})
  first.server.forceShutdown()
  const pending = agent.read('getNodeFacts', {})
  await new Promise((resolve) => setTimeout(resolve, 200))
  const second = await serve({ getNodeFacts }, { port: first.port })
  t.teardown(() => second.server.forceShutdown())
  t.ok((await pending).facts)
})

t.test('aborting ends a read, a change and the waiting between two tries', async (t) => {
  const { server, port } = await serve({ getNodeFacts: () => undefined, restartKubelet: () => undefined })
  const agent = dial(t, port)
  await t.rejects(agent.read('getNodeFacts', {}, { signal: AbortSignal.timeout(50) }), { code: 'INTERRUPTED' })
  await t.rejects(agent.change('restartKubelet', {}, changeCall(AbortSignal.timeout(50)).call), { code: 'INTERRUPTED' })
  server.forceShutdown()
  await t.rejects(agent.change('restartKubelet', {}, changeCall(AbortSignal.timeout(50)).call), { code: 'INTERRUPTED' })
})

t.test('ports are held exactly while the work runs', async (t) => {
  let cancelled = false
  const { server, port } = await serve({
    holdPorts: ((call: ServerWritableStream<HoldPortsRequest, HoldPortsResponse>) => {
      call.on('cancelled', () => {
        cancelled = true
      })
      call.write({ listening: call.request.ports, inUse: [], certificateSha256: 'ab' })
    }) as Handlers[string],
  })
  t.teardown(() => server.forceShutdown())
  const agent = dial(t, port)
  const seen = await agent.holdPorts([2379, 2380], async ({ listening }) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.equal(cancelled, false, 'held while the work runs')
    return listening
  })
  t.same(seen, [2379, 2380])
  while (!cancelled) await new Promise((resolve) => setTimeout(resolve, 5))
  await t.rejects(
    agent.holdPorts([1], async () => {
      throw new Error('the work failed')
    }),
    { message: 'the work failed' },
  )
})

t.test('a backup comes in pieces, a check of a join ends with its findings', async (t) => {
  const { server, port } = await serve({
    readBackup: ((call: ServerWritableStream<unknown, unknown>) => {
      for (const piece of ['a', 'b', 'c']) call.write({ chunk: Buffer.from(piece) })
      call.end()
    }) as Handlers[string],
    checkJoin: ((call: ServerWritableStream<unknown, unknown>) => {
      call.write({ event: { $case: 'progress', progress: { message: 'preflight' } } })
      call.write({ event: { $case: 'findings', findings: { errors: ['Port-6443'], warnings: [] } } })
      call.end()
    }) as Handlers[string],
  })
  t.teardown(() => server.forceShutdown())
  const agent = dial(t, port)
  const chunks: Uint8Array[] = []
  for await (const chunk of agent.readBackup('r', 'etcd', 'age1')) chunks.push(chunk)
  t.equal(Buffer.concat(chunks).toString(), 'abc')
  const lines: string[] = []
  const findings = await agent.checkJoin(
    { join: undefined, token: undefined, runId: '' },
    (line) => void lines.push(line),
  )
  t.same(findings.errors, ['Port-6443'])
  t.same(lines, ['preflight'])
  server.forceShutdown()
  await t.rejects(
    (async () => {
      for await (const _ of agent.readBackup('r', 'etcd', 'age1')) t.fail('nobody is there')
    })(),
    { code: 'AGENT_UNREACHABLE', where: node },
  )
})
