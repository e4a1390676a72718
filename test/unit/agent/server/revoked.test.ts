import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ServiceError, status } from '@grpc/grpc-js'
import type { NodeAgentServiceClient } from '@quorate/shared/gen/quorate/v1/node_agent'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import type { RecordedCall } from '@quorate/shared/recorded-call'
import { holds, notYet, until } from '@quorate/shared/until'
import t, { type Test } from 'tap'
import { changeOperation, readOperation, streamOperation } from '../../../../agent/src/ops/context/operation.js'
import { getDenyList } from '../../../../agent/src/ops/get-deny-list.js'
import { keepDenyList } from '../../../../agent/src/ops/keep-deny-list.js'
import type { Operations } from '../../../../agent/src/ops/operations.js'
import { recordCalls } from '../../../../agent/src/server/call-audit.js'
import { denyListOf } from '../../../support/deny-lists.js'
import { asked, callerOf, detailOf, fleet, followed, restart, resultWith, startToyAgent } from './toy-agent.js'

// What a thief of an operator's key finds when the key is revoked: at its next call, and in what it has open.

const never = new Promise<never>(() => undefined)

/** Operations that do not end by themselves, and do not look whether anybody still listens. */
const endless: Partial<Operations> = {
  keepDenyList,
  getDenyList,
  resolveName: readOperation(async ({ name }) => ({ addresses: [name] })),
  restartKubelet: changeOperation(async (_input, { progress }) => {
    progress('it runs')
    return never
  }),
  holdPorts: streamOperation(async function* () {
    yield { listening: [1], inUse: [], certificateSha256: '' }
    await never
  }),
}

const keep = (client: NodeAgentServiceClient, document: string) =>
  new Promise<number>((resolve, reject) =>
    client.keepDenyList({ document }, (error, answer) => (error ? reject(error) : resolve(answer.number))),
  )

const kept = (client: NodeAgentServiceClient) =>
  new Promise<{ number: number; document: string }>((resolve, reject) =>
    client.getDenyList({}, (error, answer) => (error ? reject(error) : resolve(answer))),
  )

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: ServiceError) => ({ status: error.code, ...detailOf(error) }),
  )

const resolved = (client: NodeAgentServiceClient) =>
  failure(
    new Promise((resolve, reject) =>
      client.resolveName({ name: 'a.example.com' }, (error, answer) => (error ? reject(error) : resolve(answer))),
    ),
  )

/** A stream that is open; resolves with how it ended. */
const held = (client: NodeAgentServiceClient) => {
  const stream = client.holdPorts({ ports: [1], deadlineMs: 600_000, runId: '' })
  const open = new Promise<void>((resolve) => stream.once('data', () => resolve()))
  const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve))
  stream.resume()
  return { open, ended }
}

const startedWith = async (t: Test, operations: Partial<Operations> = endless) => {
  const root = t.testdir()
  const path = join(root, 'calls.jsonl')
  const agent = await startToyAgent(t, root, operations, { calls: (log) => recordCalls(path, log) })
  const calls = () =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RecordedCall)
  return { root, agent, calls }
}

/** A caller has its answer before the record of it is on the disk. */
const refusals = (calls: () => readonly RecordedCall[], count: number) =>
  until(
    `${count} recorded refusals`,
    async () => {
      const refused = calls().filter(({ outcome }) => outcome === 'IDENTITY_REVOKED')
      return refused.length >= count ? holds(refused) : notYet(`${refused.length}`)
    },
    { deadlineMs: 60_000, everyMs: 20 },
  )

const refusedAs = (code: string, message: RegExp) => ({ code, message })

t.test(
  'a revoked operator is refused at its next call, also on the connection that it has; others are not',
  async (t) => {
    const { agent, calls } = await startedWith(t)
    const [operator, thief] = [callerOf(t, agent.port), callerOf(t, agent.port)]
    t.equal(await resolved(thief.client), undefined, 'before')
    t.equal(await keep(operator.client, denyListOf(fleet, 1, thief.certPem)), 1)
    const refused = {
      status: status.PERMISSION_DENIED,
      ...refusedAs('IDENTITY_REVOKED', /^the key of coordinator was revoked on 2026-11-30T.*, as one of a test$/),
    }
    t.match(await resolved(thief.client), refused, 'the same connection')
    t.match(await resolved(thief.again()), refused, 'another connection')
    t.match(await asked(thief.again(), restart('op-1')), { error: { code: 'IDENTITY_REVOKED' } })
    t.match(await failure(keep(thief.again(), denyListOf(fleet, 2))), { code: 'IDENTITY_REVOKED' }, 'nor gives a list')
    t.equal(await resolved(operator.client), undefined)
    const outcomes = await refusals(calls, 4)
    t.equal(outcomes.length, 4, 'each refusal is recorded with its reason')
    t.ok(outcomes.every(({ fingerprint }) => fingerprint === thief.fingerprint))
  },
)

t.test('what a revoked operator has open ends with one clear error, a change goes on without it', async (t) => {
  const { agent, calls } = await startedWith(t)
  const [operator, thief] = [callerOf(t, agent.port), callerOf(t, agent.port)]
  const stream = held(thief.client)
  const change = thief.client.restartKubelet(restart('op-1'))
  const begun = new Promise<void>((resolve) => change.once('data', () => resolve()))
  const changed = followed(change)
  const others = held(operator.client)
  await Promise.all([stream.open, begun, others.open])
  await keep(operator.client, denyListOf(fleet, 1, thief.certPem))
  t.match(detailOf(await stream.ended), { code: 'IDENTITY_REVOKED' })
  t.match(await changed, { error: { code: 'IDENTITY_REVOKED' } })
  t.same((await refusals(calls, 2)).map(({ method }) => method).sort(), ['holdPorts', 'restartKubelet'])
  const state = await new Promise((resolve) =>
    operator.client.getOperation({ operationId: 'op-1' }, (_error, answer) => resolve(answer)),
  )
  t.match(state, { state: 'running' }, 'half a change is worse than a whole one')
  t.equal(await Promise.race([others.ended, Promise.resolve('open')]), 'open')
  await agent.stop(0)
})

t.test('connections of a revoked operator that reads nothing are closed', async (t) => {
  const chunk = { chunk: Buffer.alloc(256 * 1024) }
  const readBackup: Operations['readBackup'] = streamOperation(async function* () {
    for (;;) yield chunk
  })
  const { agent } = await startedWith(t, { ...endless, readBackup })
  const [operator, thief] = [callerOf(t, agent.port), callerOf(t, agent.port)]
  const stream = thief.client.readBackup({
    runId: '20261122t221530-ab12cd',
    kind: 'etcd',
    recipient: `age1${'a'.repeat(58)}`,
  })
  await new Promise((resolve) => stream.once('readable', resolve))
  const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve))
  await keep(operator.client, denyListOf(fleet, 1, thief.certPem))
  t.ok(await Promise.race([ended, new Promise((resolve) => stream.once('status', resolve))]))
})

t.test('a change that waits for its turn is not begun for a caller that was revoked meanwhile', async (t) => {
  let go = (): void => undefined
  const began: string[] = []
  const restartKubelet: Operations['restartKubelet'] = changeOperation(async (_input, { header }) => {
    began.push(header.operationId)
    await new Promise<void>((resolve) => {
      go = resolve
    })
    return resultWith('done')
  })
  const { agent } = await startedWith(t, { ...endless, restartKubelet })
  const [operator, thief] = [callerOf(t, agent.port), callerOf(t, agent.port)]
  const first = asked(operator.client, restart('op-1'))
  while (began.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const second = asked(thief.client, restart('op-2'))
  const state = () =>
    new Promise<string>((resolve) =>
      operator.client.getOperation({ operationId: 'op-2' }, (_error, answer) => resolve(answer?.state ?? '')),
    )
  while ((await state()) !== 'running') await new Promise((resolve) => setImmediate(resolve))
  await keep(operator.client, denyListOf(fleet, 1, thief.certPem))
  t.match(await second, { error: { code: 'IDENTITY_REVOKED' } })
  go()
  t.match(await first, { result: { summary: 'done' } })
  while ((await state()) === 'running') await new Promise((resolve) => setImmediate(resolve))
  t.equal(await state(), 'unknown')
  t.same(began, ['op-1'])
})

t.test('only a newer list of the own fleet is taken, and it is there after a restart', async (t) => {
  const { root, agent } = await startedWith(t)
  const [operator, thief] = [callerOf(t, agent.port), callerOf(t, agent.port)]
  const { client } = operator
  t.same(await kept(client), { number: 0, document: '' })
  const second = denyListOf(fleet, 2, thief.certPem)
  await keep(client, second)
  t.equal(await keep(client, second), 2, 'the same again changes nothing')
  const [text = ''] = second.split('\n')
  const [, ofOther] = denyListOf(fleet, 3).split('\n')
  const refusals = {
    older: [denyListOf(fleet, 1), /number 1 is older than 2/],
    'another one with this number': [denyListOf(fleet, 2), /another list with the number 2/],
    'of another fleet': [denyListOf(createFleetCa('other'), 9), /that of "quorate fleet other"/],
    'signed by another CA of that name': [denyListOf(createFleetCa('toy'), 9), /did not sign it/],
    'with the signature of another list': [`${text.replace('"number":2', '"number":9')}\n${ofOther}\n`, /did not sign/],
    'without a signature': [`${text.replace('"number":2', '"number":9')}\n`, /did not sign/],
    'no list': ['x', /no signed list/],
    'a list with more behind it': [`${denyListOf(fleet, 9)}x`, /no signed list/],
  } as const
  for (const [what, [document, why]] of Object.entries(refusals))
    t.match(await failure(keep(client, document)), refusedAs('DENY_LIST_REFUSED', why), what)
  t.same(await kept(client), { number: 2, document: second })
  await agent.stop()
  const restarted = await startToyAgent(t, root, endless)
  t.match(await resolved(thief.at(restarted.port)), { code: 'IDENTITY_REVOKED' })
  t.same(await kept(operator.at(restarted.port)), { number: 2, document: second })
  await keep(operator.at(restarted.port), denyListOf(fleet, 3))
  t.equal(await resolved(thief.at(restarted.port)), undefined, 'the newest list alone counts')
})

t.test('an observer may carry a list, a node may not call', async (t) => {
  const { agent } = await startedWith(t)
  const observer = callerOf(t, agent.port, ['quorate:observer'])
  t.equal(await keep(observer.client, denyListOf(fleet, 1)), 1)
  const node = callerOf(t, agent.port, ['quorate:node'])
  t.match(await failure(keep(node.client, denyListOf(fleet, 2))), { code: 'ACCESS_DENIED' })
})
