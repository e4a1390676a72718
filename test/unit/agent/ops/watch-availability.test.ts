import { watchAvailability } from '@quorate/agent/ops/watch-availability'
import type { AvailabilitySeen, AvailabilityTarget } from '@quorate/shared/gen/quorate/v1/node_agent'
import t from 'tap'
import { type ControlPlaneNode, controlPlaneNode } from '../../../support/control-plane-node.js'

const leasePath = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/quorate-availability'
const target = (
  node: ControlPlaneNode,
  name: string,
  change: Partial<AvailabilityTarget> = {},
): AvailabilityTarget => ({
  name,
  host: '127.0.0.1',
  port: node.api.port,
  serverName: '127.0.0.1',
  write: false,
  everyMs: 0,
  ...change,
})

/** A watch that has begun; `until` reads on until what was seen of each target satisfies. */
function watch(node: ControlPlaneNode, targets: readonly AvailabilityTarget[]) {
  const caller = new AbortController()
  const request = { targets: [...targets], readEveryMs: 10, writeEveryMs: 20, caPem: node.ca.certPem }
  const messages = watchAvailability.run(request, node.tools, caller.signal)[Symbol.asyncIterator]()
  const all: AvailabilitySeen[] = []
  const until = async (
    satisfied: (all: readonly AvailabilitySeen[]) => boolean,
  ): Promise<readonly AvailabilitySeen[]> => {
    while (!satisfied(all)) {
      const { value, done } = await messages.next()
      if (done) throw new Error('the watch ended')
      all.push(...value.seen)
    }
    return all
  }
  const end = async () => {
    caller.abort(new Error('hung up'))
    await messages.next().catch(() => undefined)
  }
  return { messages, until, end, all }
}

const sum = (all: readonly AvailabilitySeen[], name: string, field: 'asked' | 'failed'): number =>
  all.filter((seen) => seen.name === name).reduce((total, seen) => total + seen[field], 0)

t.test('reads and writes are asked and counted; the Lease is there meanwhile and gone after', async (t) => {
  const node = await controlPlaneNode(t)
  const watched = watch(node, [target(node, 'endpoint'), target(node, 'write', { write: true })])
  const all = await watched.until((seen) => sum(seen, 'endpoint', 'asked') >= 20 && sum(seen, 'write', 'asked') >= 5)
  t.equal(sum(all, 'endpoint', 'failed'), 0)
  t.equal(sum(all, 'write', 'failed'), 0)
  t.match(node.api.objects.get(leasePath), { spec: { renewTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/ } })
  await watched.end()
  t.equal(node.api.objects.get(leasePath), undefined)
})

t.test('a call whose caller has hung up by the time it begins does not end the watch that came after it', async (t) => {
  const node = await controlPlaneNode(t)
  const watched = watch(node, [target(node, 'endpoint')])
  await watched.until((seen) => sum(seen, 'endpoint', 'asked') >= 5)
  const late = { targets: [target(node, 'late')], readEveryMs: 10, writeEveryMs: 20, caPem: node.ca.certPem }
  const said = watchAvailability.run(late, node.tools, AbortSignal.abort(new Error('hung up')))[Symbol.asyncIterator]()
  t.equal((await said.next()).done, true)
  const before = sum(watched.all, 'endpoint', 'asked')
  await watched.until((seen) => sum(seen, 'endpoint', 'asked') >= before + 10)
  await watched.end()
})

t.test(
  'connections that a server drops while nothing is asked are no failure; a server that is away is, with its reason',
  async (t) => {
    const node = await controlPlaneNode(t)
    const watched = watch(node, [target(node, 'endpoint'), target(node, 'away', { port: 1 })])
    await watched.until((seen) => sum(seen, 'endpoint', 'asked') >= 5)
    node.api.drop()
    const before = sum(watched.all, 'endpoint', 'asked')
    const all = await watched.until(
      (seen) => sum(seen, 'endpoint', 'asked') >= before + 10 && sum(seen, 'away', 'asked') > 3,
    )
    t.equal(sum(all, 'endpoint', 'failed'), 0)
    t.equal(sum(all, 'away', 'failed'), sum(all, 'away', 'asked'))
    t.ok(all.some(({ name, openGapMs }) => name === 'away' && openGapMs > 0))
    t.same(
      all.filter(({ name }) => name === 'away').flatMap(({ outages }) => outages),
      [],
      'it has not ended',
    )
    await watched.end()
  },
)

t.test('an outage is told when it ends, and the certificate is verified by name where one is given', async (t) => {
  const node = await controlPlaneNode(t)
  const watched = watch(node, [
    target(node, 'by-name', { serverName: 'apiserver.example.com' }),
    target(node, 'chain', { serverName: '' }),
    target(node, 'write', { write: true }),
  ])
  await watched.until((seen) => sum(seen, 'write', 'asked') >= 3)
  node.api.refuse(5, 'etcdserver: no leader')
  const all = await watched.until((seen) => seen.some(({ outages }) => outages.length > 0))
  const outage = all.flatMap(({ outages }) => outages)[0]
  t.match(outage, { error: 'HTTP 500' })
  t.ok((outage?.toUnixMs ?? 0) > (outage?.fromUnixMs ?? 0))
  t.equal(sum(all, 'write', 'failed') > 0, true)
  t.equal(sum(all, 'by-name', 'failed'), sum(all, 'by-name', 'asked'), 'it has not that name')
  t.ok(sum(all, 'by-name', 'asked') > 0)
  t.equal(sum(all, 'chain', 'failed'), 0)
  await watched.end()
})

t.test(
  'a Lease that an agent left is taken over, and made anew where somebody deleted it: neither is a failure',
  async (t) => {
    const node = await controlPlaneNode(t)
    node.api.objects.set(leasePath, { metadata: { name: 'quorate-availability' }, spec: { holderIdentity: 'quorate' } })
    const watched = watch(node, [target(node, 'write', { write: true })])
    await watched.until((seen) => sum(seen, 'write', 'asked') >= 3)
    node.api.objects.delete(leasePath)
    const before = sum(watched.all, 'write', 'asked')
    const all = await watched.until((seen) => sum(seen, 'write', 'asked') > before + 1)
    t.equal(sum(all, 'write', 'failed'), 0)
    t.ok(node.api.objects.has(leasePath))
    await watched.end()
  },
)

t.test('a later watch takes the place of the one before; one of nothing only tidies', async (t) => {
  const node = await controlPlaneNode(t)
  const first = watch(node, [target(node, 'write', { write: true })])
  await first.until((seen) => sum(seen, 'write', 'asked') >= 1)
  const rest = first.until(() => false)
  rest.catch(() => undefined)
  const { messages } = watch(node, [])
  t.match((await messages.next()).value, { seen: [] })
  t.equal((await messages.next()).done, true)
  t.equal(node.api.objects.get(leasePath), undefined)
  await t.rejects(rest, { code: 'FENCED' })
})

t.test('what cannot be told apart, or is too much, is refused', async (t) => {
  const node = await controlPlaneNode(t)
  const twice = watch(node, [target(node, 'one'), target(node, 'one')])
  await t.rejects(twice.messages.next(), { code: 'INVALID_REQUEST' })
})
