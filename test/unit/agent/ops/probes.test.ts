import { connect } from 'node:net'
import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import t from 'tap'
import { holdPorts } from '../../../../agent/src/ops/hold-ports.js'
import { probeEndpoint } from '../../../../agent/src/ops/probe-endpoint.js'
import { probeKubeconfig } from '../../../../agent/src/ops/probe-kubeconfig.js'
import { resolveName } from '../../../../agent/src/ops/resolve-name.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const never = new AbortController().signal
const probe = {
  host: '127.0.0.1',
  port: 1,
  path: '',
  serverName: '',
  verify: VerifyMode.VERIFY_MODE_TCP,
  timeoutMs: 1000,
  caPem: '',
}

/** A port that is free now. */
const port = 21000 + (process.pid % 9000)

const connects = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

t.test('of callers that hold ports only so many are let in, each gives its place back', async (t) => {
  const node = await OpsNode.make(t)
  const hold = () => {
    const caller = new AbortController()
    const run = holdPorts.run({ ports: [], deadlineMs: 60_000, runId: '' }, node.tools, caller.signal)
    const stream = run[Symbol.asyncIterator]()
    return { stream, first: stream.next(), hangUp: () => caller.abort() }
  }
  const held = []
  for (let count = 0; count < 8; count++) held.push(hold())
  for (const { first } of held) t.match(await first, { done: false })
  t.match(await hold().first.catch((error) => error), { code: 'NODE_BUSY' })
  held[0]?.hangUp()
  await held[0]?.stream.next().catch(() => {})
  const next = hold()
  t.match(await next.first, { done: false })
  for (const one of [...held, next]) {
    one.hangUp()
    await one.stream.next().catch(() => {})
  }
})

t.test('ports are held until the caller hangs up, and can be met meanwhile', async (t) => {
  const node = await OpsNode.make(t)
  const caller = new AbortController()
  const stream = holdPorts
    .run({ ports: [port], deadlineMs: 60_000, runId: '' }, node.tools, caller.signal)
    [Symbol.asyncIterator]()
  const first = await stream.next()
  t.match(first.value, { listening: [port], inUse: [], certificateSha256: /^[0-9a-f]{64}$/ })
  const seen = await probeEndpoint.run({ ...probe, port, verify: VerifyMode.VERIFY_MODE_NONE }, node.tools, never)
  t.equal(seen.error, '')
  t.equal(seen.certificateSha256, first.value?.certificateSha256)
  const second = holdPorts.run({ ports: [port], deadlineMs: 10, runId: '' }, node.tools, never)[Symbol.asyncIterator]()
  let hasTurn = false
  const turn = second.next().then((next) => {
    hasTurn = true
    return next
  })
  await probeEndpoint.run({ ...probe, port, verify: VerifyMode.VERIFY_MODE_NONE }, node.tools, never)
  t.equal(hasTurn, false, 'who wants it too waits')
  const end = stream.next()
  caller.abort()
  t.equal((await end).done, true)
  t.match((await turn).value, { listening: [port], inUse: [] })
  t.equal((await second.next()).done, true, 'the deadline ends it')
  t.equal(await connects(), false, 'closed')
})

t.test('only what the table has', async (t) => {
  const node = await OpsNode.make(t)
  const refusal = async (change: object) =>
    (await rejected(probeEndpoint.run({ ...probe, ...change }, node.tools, never))).code
  t.equal(await refusal({ path: '/api/v1/secrets' }), 'NOT_IN_TABLE')
  t.equal(await refusal({ host: '--help' }), 'INVALID_REQUEST')
  t.equal(await refusal({ verify: VerifyMode.VERIFY_MODE_CLUSTER_CA }), 'INVALID_REQUEST', 'no CA anywhere')
  t.equal((await rejected(resolveName.run({ name: '127.0.0.1' }, node.tools, never))).code, 'INVALID_REQUEST')
  t.strictSame(await resolveName.run({ name: 'nobody.example' }, node.tools, never), { addresses: [] })
})

t.test('a kubeconfig that cannot be used is an answer', async (t) => {
  const node = await OpsNode.make(t)
  const ask = (purpose: string, path = '') => probeKubeconfig.run({ purpose, path }, node.tools, never)
  t.match(await ask('admin'), { httpStatus: 0, error: /does not exist/ })
  node.copy('v1.37.2/before/admin.conf', '/etc/kubernetes/admin.conf')
  const moved = node.read('/etc/kubernetes/admin.conf').replace('192.168.13.30:6443', `127.0.0.1:${port}`)
  node.write('/etc/kubernetes/admin.conf', moved)
  t.match(await ask('admin'), { server: `https://127.0.0.1:${port}`, httpStatus: 0, error: /./ })
  const stranger = moved.replace(
    /client-certificate-data: .*/,
    'client-certificate: /etc/kubernetes/pki/apiserver-kubelet-client.crt',
  )
  node.write(
    '/home/eve/.kube/config',
    stranger.replace(/client-key-data: .*/, 'client-key: /etc/kubernetes/pki/apiserver-kubelet-client.key'),
  )
  t.match(await ask('user', '/home/eve/.kube/config'), { error: /no client certificate that the agent may use/ })
  t.equal((await rejected(ask('user', '/etc/shadow'))).code, 'NOT_IN_TABLE')
})
