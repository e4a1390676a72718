import { etcdSnapshotPath } from '@quorate/agent/ops/context/paths'
import { snapshotEtcd } from '@quorate/agent/ops/snapshot-etcd'
import type { Member } from '@quorate/shared/gen/third_party/etcd/rpc'
import t from 'tap'
import { runId } from '../support/control-plane-node.js'
import { connectedEtcd, type EtcdServer, etcdIds, member } from '../support/etcd-server.js'

const others = (count: number, change: (at: number) => Partial<Member>): Member[] =>
  Array.from({ length: count }, (_, at) => ({ ...member(String(at + 5), `m${at}`), ...change(at) }))

/** Every way in which etcd lies about itself, and what is said of it. */
const lies: Readonly<Record<string, readonly [(state: EtcdServer['state']) => void, RegExp]>> = {
  'ten thousand members': [(state) => state.members.push(...others(10_000, () => ({}))), /10001 members/],
  'a thousand addresses': [
    (state) => state.members.push(...others(1, () => ({ clientURLs: Array(1_000).fill('https://192.0.2.1:1') }))),
    /addresses/,
  ],
  'an address that is none': [
    (state) => state.members.push(...others(1, () => ({ clientURLs: ['\u001b[2J'] }))),
    /address/,
  ],
  'an address of a script': [
    (state) => state.members.push(...others(1, () => ({ clientURLs: ['javascript:alert(1)'] }))),
    /javascript/,
  ],
  'a file as address': [
    (state) => state.members.push(...others(1, () => ({ peerURLs: ['file:///etc/shadow'] }))),
    /shadow/,
  ],
  'a name of a megabyte': [
    (state) => state.members.push(...others(1, () => ({ name: 'x'.repeat(2 ** 20) }))),
    /name has/,
  ],
  'a size below zero': [(state) => Object.assign(state.status, { dbSize: '-5' }), /-5/],
  'a size above all disks': [
    (state) => Object.assign(state.status, { dbSize: '9223372036854775807' }),
    /9223372036854775807/,
  ],
  'an index above all numbers': [
    (state) => Object.assign(state.status, { raftIndex: '18446744073709551615' }),
    /18446744073709551615/,
  ],
  'a million errors': [(state) => Object.assign(state.status, { errors: Array(1_000_000).fill('') }), /fields|larger/],
}

for (const [name, [lie, says]] of Object.entries(lies))
  t.test(`an etcd with ${name} is refused in one sentence`, async (t) => {
    const { etcd, client } = await connectedEtcd(t)
    lie(etcd.state)
    const why: unknown = await client.members().catch((error: unknown) => error)
    t.match(why, { code: 'ETCD_REFUSED', message: says })
    t.ok((why as Error).message.length < 1_000)
  })

t.test('what etcd says is one short line', async (t) => {
  const { etcd, client } = await connectedEtcd(t)
  const said = `etcdserver: permission denied\n\u001b[2J${'x'.repeat(10_000)}`
  etcd.state.authentication = said as typeof etcd.state.authentication
  t.match(
    await client.authentication(),
    /^etcdserver: permission denied \\u\{1b\}\[2Jx{900,1000} \.\.\. \(10034 characters\)$/,
  )
})

t.test('the status of another member is not taken for this one', async (t) => {
  const { etcd, client } = await connectedEtcd(t)
  etcd.state.memberId = etcdIds.other
  t.equal((await client.members()).members[0]?.status, undefined)
})

t.test('a snapshot that is larger than the database does not fill the disk', async (t) => {
  const { node, etcd } = await connectedEtcd(t)
  etcd.state.endless = true
  await t.rejects(snapshotEtcd.run({ header: undefined }, node.context()), {
    code: 'ETCD_REFUSED',
    message: /more than 64 MiB/,
  })
  t.equal(await node.host.identity(etcdSnapshotPath('/var/lib/quorate-agent', runId)), undefined)
})
