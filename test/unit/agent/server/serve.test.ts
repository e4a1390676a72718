import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ServiceError, status } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import {
  type GetOperationResponse,
  type NodeAgentServiceClient,
  NodeAgentServiceService,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import t from 'tap'
import { changeOperation, readOperation, streamOperation } from '../../../../agent/src/ops/context/operation.js'
import type { Operations } from '../../../../agent/src/ops/operations.js'
import { asked, clientOf, detailOf, fleet, followed, restart, resultWith, startToyAgent } from './toy-agent.js'

/** A change that waits until the test lets it go on, and counts how often it ran. */
function gated() {
  const gates: (() => void)[] = []
  const seen = { runs: 0 }
  const restartKubelet: Operations['restartKubelet'] = changeOperation(async (_input, context) => {
    const turn = ++seen.runs
    context.progress(`turn ${turn} begins`)
    await new Promise<void>((resolve) => gates.push(resolve))
    context.progress(`turn ${turn} ends`)
    return resultWith(`turn ${turn}`)
  })
  const begun = async (count: number): Promise<void> => {
    while (seen.runs < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const open = (): void => {
    for (const gate of gates.splice(0)) gate()
  }
  return { operations: { restartKubelet }, seen, begun, open }
}

const quick: Partial<Operations> = {
  restartKubelet: changeOperation(async (_input, { header }) => resultWith(`ran ${header.operationId}`)),
  resolveName: readOperation(async ({ name }) => ({ addresses: [`${name} resolved`] })),
}

const resolved = (client: NodeAgentServiceClient, name: string) =>
  new Promise<string[]>((resolve, reject) =>
    client.resolveName({ name }, (error, response) => (error ? reject(error) : resolve(response.addresses))),
  )

const stateOf = (client: NodeAgentServiceClient, operationId: string) =>
  new Promise<GetOperationResponse>((resolve, reject) =>
    client.getOperation({ operationId }, (error, response) => (error ? reject(error) : resolve(response))),
  )

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: ServiceError) => error,
  )

t.test('roles: an observer looks, an operator does both, anybody else neither', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), quick)
  const observer = clientOf(t, port, ['quorate:observer'])
  t.same(await resolved(observer, 'a.example.com'), ['a.example.com resolved'])
  t.match(await asked(observer, restart('op-1')), {
    status: status.PERMISSION_DENIED,
    error: { code: 'ACCESS_DENIED' },
  })
  const operator = clientOf(t, port)
  t.same(await resolved(operator, 'a.example.com'), ['a.example.com resolved'])
  t.match(await asked(operator, restart('op-1')), { result: { summary: 'ran op-1' } })
  t.match(await asked(clientOf(t, port, ['x', 'quorate:operator']), restart('op-1')), { result: {} }, 'one of several')
  for (const organizations of [[], ['quorate:node'], ['operator'], ['constructor']]) {
    const stranger = clientOf(t, port, organizations)
    const error = await failure(resolved(stranger, 'a.example.com'))
    t.match(error, { code: status.PERMISSION_DENIED }, `O=${organizations}`)
  }
})

t.test('a certificate of another fleet does not get as far as an operation', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), quick)
  const error = await failure(
    resolved(clientOf(t, port, ['quorate:operator'], createFleetCa('other')), 'a.example.com'),
  )
  t.match(error, { code: status.UNAVAILABLE })
})

t.test('a request that is not what the operation takes is stopped at the door, and says why', async (t) => {
  let ran = 0
  const restartKubelet: Operations['restartKubelet'] = changeOperation(async () => {
    ran++
    return resultWith('ran')
  })
  const { port } = await startToyAgent(t, t.testdir(), { ...quick, restartKubelet })
  const client = clientOf(t, port)
  const refused = async (request: Parameters<typeof asked>[1], why: RegExp) =>
    t.match(await asked(client, request), {
      status: status.INVALID_ARGUMENT,
      error: { code: 'INVALID_REQUEST', message: why },
    })
  await refused({ header: undefined }, /header must be set/)
  await refused(restart('../../etc'), /operationId must be/)
  await refused(restart('a'.repeat(65)), /operationId must be/)
  await refused(restart('op', { runId: '../x' }), /runId must be/)
  await refused(restart('op', { cluster: '' }), /cluster must be/)
  const error = await failure(resolved(client, '--service=files'))
  t.match(detailOf(error as ServiceError), { code: 'INVALID_REQUEST', message: /resolveName: name must be/ })
  t.equal(ran, 0)
})

t.test('bytes that are no request, or hold a number that is too large, are refused as one', async (t) => {
  const { port } = await startToyAgent(t, t.testdir(), quick)
  const client = clientOf(t, port)
  const asIs = (bytes: Buffer): Buffer => bytes
  const { path } = NodeAgentServiceService.raiseFence
  // fencing_token: a varint of nine bytes, above 2^53.
  const tooLarge = Buffer.from('0a0161' + '10ffffffffffffffff7f', 'hex')
  for (const bytes of [tooLarge, Buffer.from('0aff', 'hex'), Buffer.from('not a message')]) {
    const sent = new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, asIs, asIs, bytes, (error, answer) => (error ? reject(error) : resolve(answer))),
    )
    const error = await failure(sent)
    t.match(error, { code: status.INVALID_ARGUMENT })
    t.match(detailOf(error as ServiceError), {
      code: 'INVALID_REQUEST',
      message: /^raiseFence: the bytes of the request/,
    })
  }
})

t.test('the same operation again returns the first result and runs nothing', async (t) => {
  const root = t.testdir()
  const toy = gated()
  const first = await startToyAgent(t, root, toy.operations)
  const client = clientOf(t, first.port)
  const answer = asked(client, restart('op-1'))
  await toy.begun(1)
  toy.open()
  t.match(await answer, { progress: ['turn 1 begins', 'turn 1 ends'], result: { summary: 'turn 1' } })
  t.match(await asked(client, restart('op-1')), { result: { summary: 'turn 1' } })
  t.match(
    await asked(client, restart('op-1', { fencingToken: 9 })),
    { result: { summary: 'turn 1' } },
    'a later coordinator too',
  )
  await first.stop()
  const second = await startToyAgent(t, root, toy.operations)
  t.match(await asked(clientOf(t, second.port), restart('op-1', { fencingToken: 9 })), {
    result: { summary: 'turn 1' },
  })
  t.equal(toy.seen.runs, 1)
})

t.test('a failure is an end like another: recorded, and told again with the same words', async (t) => {
  const root = t.testdir()
  let runs = 0
  const restartKubelet: Operations['restartKubelet'] = changeOperation(async () => {
    runs++
    throw new QuorateError('DRIFT', 'somebody was here', { remedy: 'ask them' })
  })
  const failed = { status: status.ABORTED, error: { code: 'DRIFT', message: 'somebody was here', remedy: 'ask them' } }
  const first = await startToyAgent(t, root, { restartKubelet })
  t.match(await asked(clientOf(t, first.port), restart('op-1')), failed)
  await first.stop()
  const second = await startToyAgent(t, root, { restartKubelet })
  const client = clientOf(t, second.port)
  t.match(await asked(client, restart('op-1')), failed)
  t.match(await stateOf(client, 'op-1'), { state: 'failed', method: 'restartKubelet', error: { code: 'DRIFT' } })
  t.equal(runs, 1)
})

t.test('the same id with another request is refused, running or ended', async (t) => {
  const toy = gated()
  const spreadCoreDns: Operations['spreadCoreDns'] = changeOperation(async () => resultWith('other'))
  const { port } = await startToyAgent(t, t.testdir(), { ...toy.operations, spreadCoreDns })
  const client = clientOf(t, port)
  const answer = asked(client, restart('op-1'))
  await toy.begun(1)
  const mismatch = { status: status.INVALID_ARGUMENT, error: { code: 'OPERATION_MISMATCH' } }
  const other = { runId: '20261122t221530-ffffff' }
  t.match(await asked(client, restart('op-1', other)), mismatch)
  toy.open()
  await answer
  t.match(await asked(client, restart('op-1', other)), mismatch)
  t.match(
    await followed(client.spreadCoreDns({ ...restart('op-1'), onlyLeaving: false })),
    mismatch,
    'another method with the same fields',
  )
  t.equal(toy.seen.runs, 1)
})

t.test('a lost caller cancels nothing; who asks again joins the running operation from its first line', async (t) => {
  const toy = gated()
  const { port } = await startToyAgent(t, t.testdir(), toy.operations)
  const lost = clientOf(t, port).restartKubelet(restart('op-1'))
  lost.on('error', () => {})
  await once(lost, 'data')
  lost.cancel()
  const client = clientOf(t, port)
  t.match(await stateOf(client, 'op-1'), { state: 'running' })
  const calls = [client.restartKubelet(restart('op-1')), client.restartKubelet(restart('op-1'))]
  const all = Promise.all(calls.map(followed))
  await Promise.all(calls.map((call) => once(call, 'data')))
  toy.open()
  const whole = { progress: ['turn 1 begins', 'turn 1 ends'], result: { summary: 'turn 1' } }
  t.match(await all, [whole, whole])
  t.match(await stateOf(client, 'op-1'), { state: 'succeeded', result: { summary: 'turn 1' } })
  t.match(await stateOf(client, 'op-2'), { state: 'unknown' })
  t.equal(toy.seen.runs, 1)
})

t.test('an operation whose end was never written is not run again', async (t) => {
  const root = t.testdir()
  const toy = gated()
  const first = await startToyAgent(t, root, toy.operations)
  void asked(clientOf(t, first.port), restart('op-1'))
  await toy.begun(1)
  t.match(
    readFileSync(first.ledgerPath, 'utf8'),
    /"kind":"intent","id":"op-1"/,
    'the intent is on the disk while it runs',
  )
  await first.stop(20)
  const second = await startToyAgent(t, root, quick)
  const client = clientOf(t, second.port)
  t.match(await asked(client, restart('op-1')), { error: { code: 'OPERATION_UNKNOWN_OUTCOME' } })
  t.match(await stateOf(client, 'op-1'), { state: 'interrupted', method: 'restartKubelet' })
  t.match(await asked(client, restart('op-2')), { result: { summary: 'ran op-2' } }, 'others are not held up')
})

t.test('the agent reads its cluster’s CA itself: another name for the same cluster is fenced', async (t) => {
  const root = t.testdir({ etc: { kubernetes: { pki: { 'ca.crt': fleet.certPem } } } })
  const { port } = await startToyAgent(t, root, quick)
  const client = clientOf(t, port)
  t.match(await asked(client, restart('op-1', { fencingToken: 5 })), { result: {} })
  const fenced = { status: status.ABORTED, error: { code: 'FENCED' } }
  t.match(await asked(client, restart('op-2', { fencingToken: 1, cluster: 'other' })), fenced)
  t.match(await asked(client, restart('op-2', { fencingToken: 5, cluster: 'other' })), fenced)
  t.match(await asked(client, restart('op-2', { fencingToken: 6, cluster: 'other' })), { result: {} })
})

t.test('a coordinator that was taken over is fenced, also after a restart', async (t) => {
  const root = t.testdir()
  const first = await startToyAgent(t, root, quick)
  await asked(clientOf(t, first.port), restart('op-1', { fencingToken: 5 }))
  const fenced = { status: status.ABORTED, error: { code: 'FENCED' } }
  t.match(await asked(clientOf(t, first.port), restart('op-2', { fencingToken: 4 })), fenced)
  await first.stop()
  const second = await startToyAgent(t, root, quick)
  const client = clientOf(t, second.port)
  t.match(await asked(client, restart('op-2', { fencingToken: 4 })), fenced)
  t.match(await asked(client, restart('op-1', { fencingToken: 4 })), fenced, 'not even a recorded result')
  t.match(await asked(client, restart('op-2', { fencingToken: 1, cluster: 'other' })), { result: {} })
})

t.test(
  'who takes a cluster over shuts the one before out of a node that it asks for nothing, also after a restart',
  async (t) => {
    const root = t.testdir()
    const first = await startToyAgent(t, root, quick)
    const raise = (client: ReturnType<typeof clientOf>, cluster: string, fencingToken: number) =>
      new Promise((resolve) =>
        client.raiseFence({ cluster, fencingToken }, (error) => resolve(error?.code ?? 'raised')),
      )
    const client = clientOf(t, first.port)
    await asked(client, restart('op-1', { fencingToken: 5 }))
    const [{ cluster = '' } = {}] = [restart('op-1').header]
    t.equal(await raise(client, cluster, 6), 'raised')
    t.equal(await raise(client, cluster, 6), 'raised', 'its own number again')
    t.equal(await raise(client, cluster, 5), status.ABORTED, 'who was replaced cannot take it back')
    await first.stop()
    const second = await startToyAgent(t, root, quick)
    t.match(await asked(clientOf(t, second.port), restart('op-2', { fencingToken: 5 })), { error: { code: 'FENCED' } })
  },
)

t.test('one change at a time: the next waits for its turn, and not for ever', async (t) => {
  const toy = gated()
  const { port } = await startToyAgent(t, t.testdir(), toy.operations, { busyWaitMs: 300 })
  const client = clientOf(t, port)
  const first = asked(client, restart('op-1'))
  await toy.begun(1)
  t.match(await asked(client, restart('op-2')), {
    status: status.UNAVAILABLE,
    error: { code: 'NODE_BUSY', message: /restartKubelet/ },
  })
  t.match(await stateOf(client, 'op-2'), { state: 'unknown' }, 'refused is not begun')
  const second = asked(client, restart('op-2'))
  t.equal(toy.seen.runs, 1)
  toy.open()
  t.match(await first, { result: { summary: 'turn 1' } })
  await toy.begun(2)
  toy.open()
  t.match(await second, { result: { summary: 'turn 2' } })
})

t.test('stopping finishes and writes down what runs, and takes nothing new', async (t) => {
  const root = t.testdir()
  const toy = gated()
  const first = await startToyAgent(t, root, toy.operations)
  const client = clientOf(t, first.port)
  const running = asked(client, restart('op-1'))
  await toy.begun(1)
  const stopped = first.stop()
  t.match(await asked(client, restart('op-2')), {
    status: status.UNAVAILABLE,
    error: { code: 'NODE_BUSY', message: /stopping/ },
  })
  toy.open()
  t.match(await running, { result: { summary: 'turn 1' } })
  await stopped
  const second = await startToyAgent(t, root, quick)
  t.match(await stateOf(clientOf(t, second.port), 'op-1'), { state: 'succeeded' })
})

t.test('a defect crosses as INTERNAL with a correlation id; its words and stack stay in the log', async (t) => {
  const restartKubelet: Operations['restartKubelet'] = changeOperation(async () => {
    throw new TypeError('private words')
  })
  const { port, logged } = await startToyAgent(t, t.testdir(), { restartKubelet })
  const ended = await asked(clientOf(t, port), restart('op-1'))
  t.match(ended, { status: status.INTERNAL, error: { code: 'INTERNAL', correlationId: /^[0-9a-f]{12}$/ } })
  t.notMatch(JSON.stringify(ended), /private words/)
  const line = logged.find((text) => text.includes(ended.error?.correlationId ?? 'none'))
  t.match(line, /private words/)
})

t.test("the operating system's refusals cross in its own words; secrets in progress do not", async (t) => {
  const restartKubelet: Operations['restartKubelet'] = changeOperation(async (_input, { tools, progress }) => {
    progress('token abcdef.0123456789abcdef')
    await tools.host.replace('/dev/full/x', Buffer.from(''), { mode: 0o600 })
    return resultWith('never')
  })
  const { port, logged } = await startToyAgent(t, t.testdir({ dev: { full: 'a file where a folder is needed' } }), {
    restartKubelet,
  })
  const ended = await asked(clientOf(t, port), restart('op-1'))
  t.match(ended, { status: status.FAILED_PRECONDITION, error: { code: 'SYSTEM_REFUSED', message: /EEXIST|ENOTDIR/ } })
  t.notMatch(ended.progress.concat(logged).join(), /0123456789abcdef/)
})

t.test('a stream ends when its caller hangs up', async (t) => {
  let closed = (): void => {}
  const whenClosed = new Promise<void>((resolve) => {
    closed = resolve
  })
  const holdPorts: Operations['holdPorts'] = streamOperation(async function* ({ ports }, _tools, signal) {
    yield { listening: ports, inUse: [], certificateSha256: 'x' }
    if (!signal.aborted) await once(signal, 'abort')
    closed()
  })
  const { port } = await startToyAgent(t, t.testdir(), { holdPorts })
  const call = clientOf(t, port).holdPorts({ ports: [6443], deadlineMs: 60_000, runId: '' })
  call.on('error', () => {})
  const [first] = await once(call, 'data')
  t.match(first, { listening: [6443] })
  call.cancel()
  await whenClosed
})
