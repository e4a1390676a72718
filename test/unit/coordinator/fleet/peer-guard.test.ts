import { parseNodeName } from '@quorate/shared/names'
import t, { type Test } from 'tap'
import { readOperation } from '../../../../agent/src/ops/context/operation.js'
import { getDenyList } from '../../../../agent/src/ops/get-deny-list.js'
import { keepDenyList } from '../../../../agent/src/ops/keep-deny-list.js'
import type { Operations } from '../../../../agent/src/ops/operations.js'
import { connectFleet } from '../../../../coordinator/src/fleet/fleet.js'
import type { NewestDenyList } from '../../../../coordinator/src/fleet/peer-guard.js'
import { openDenyList } from '../../../../shared/src/deny-list.js'
import { denyListOf } from '../../../support/deny-lists.js'
import { identityOf } from '../../../support/node-identities.js'
import { fleet as ca, callerOf, node, startToyAgent } from '../../agent/server/toy-agent.js'

const name = parseNodeName('node1.example.com')
const another = identityOf('node2.example.com').cert

/** A list of revoked keys that changes while the fleet is connected. */
function changing() {
  let document: string | undefined
  const newest: NewestDenyList = async () =>
    document === undefined ? undefined : { ...openDenyList(document, ca.certPem), document }
  const become = (...list: readonly [number: number, ...certificates: string[]]): void => {
    document = denyListOf(ca, ...list)
  }
  return { newest, become }
}

async function connected(t: Test, newest: NewestDenyList, more: Partial<Operations> = { keepDenyList, getDenyList }) {
  const seen: string[] = []
  const resolveName: Operations['resolveName'] = readOperation(async ({ name: asked }) => {
    seen.push(asked)
    return { addresses: [asked] }
  })
  const { port } = await startToyAgent(t, t.testdir(), { resolveName, ...more })
  const { certPem: cert, keyPem: key } = callerOf(t, port)
  const dial = () => {
    const fleet = connectFleet({ ca: ca.certPem, cert, key }, { patience: { readMs: 2_000 }, newest })
    t.teardown(() => fleet.close())
    return fleet.agent({ name, address: '127.0.0.1', agent: `127.0.0.1:${port}` })
  }
  return { dial, seen }
}

t.test('a node that is read has the newest list before', async (t) => {
  const { newest, become } = changing()
  const { dial } = await connected(t, newest)
  const agent = dial()
  const ask = () => agent.read('resolveName', { name: 'a.example.com' })
  const number = async () => (await agent.read('getDenyList', {})).number
  await ask()
  t.equal(await number(), 0)
  become(3, another)
  await Promise.all([ask(), ask(), ask()])
  t.equal(await number(), 3)
  become(1)
  await ask()
  t.equal(await number(), 3, 'one that has a newer list keeps it, and is asked on')
})

t.test('a node whose key is revoked is not talked to, on an open connection and on a new one', async (t) => {
  const { newest, become } = changing()
  const { dial, seen } = await connected(t, newest)
  const before = dial()
  await before.read('resolveName', { name: 'before.example.com' })
  become(1, node.certPem)
  const revoked = { code: 'NODE_REVOKED', where: name, remedy: /quorate enroll node1\.example\.com/ }
  for (const agent of [before, dial()]) {
    await t.rejects(agent.read('resolveName', { name: 'after.example.com' }), revoked)
    const backup = agent.readBackup('20261122t221530-ab12cd', 'etcd', `age1${'a'.repeat(58)}`)
    await t.rejects(backup[Symbol.asyncIterator]().next(), revoked)
  }
  t.same(seen, ['before.example.com'])
})

t.test('an agent that knows of no such list is worked with as before', async (t) => {
  const { newest, become } = changing()
  become(1, another)
  const { dial } = await connected(t, newest, {})
  const agent = dial()
  for (const _ of [1, 2]) t.same(await agent.read('resolveName', { name: 'a' }), { addresses: ['a'] })
})
