import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import { endUnled, type UnlessBack } from '@quorate/coordinator/conversion/undo/hand-over'
import { QuorateError } from '@quorate/shared/errors'
import type { ProbeEndpointResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const address = '10.96.0.1'
const back = { in_endpoints: 'yes' }

type Meets = (source: string) => Partial<ProbeEndpointResponse> | undefined

/** A run on a cluster with the Service `kubernetes`, whose leaving API server is met there until `heard` says otherwise. */
function leaving(heard: () => boolean, alone = false, refusal?: QuorateError, meets?: Meets) {
  const paper = new PaperCluster('v1.37.2')
  paper.cluster.kubernetesService = { address, port: 443 }
  const asked: string[] = []
  const { probe } = paper.world
  paper.world.probe = (source, request) =>
    request.host === address
      ? { reached: 'done', unmet: 0, metSha256: heard() ? ['other'] : ['leaves'], ...meets?.(source) }
      : probe(source, request)
  const plain = paper.run()
  const agent: ConversionRun['agent'] = (node) => {
    const one = plain.agent(node)
    return {
      ...one,
      read: (async (method: string, request: { host?: string }) =>
        method === 'probeEndpoint' && request.host === plain.joining[0]?.address
          ? { reached: 'done', error: '', certificateSha256: 'leaves', metSha256: ['leaves'] }
          : one.read(method as never, request as never)) as never,
      change: (async (method: string, _request: object, _call: object, label: string) => {
        asked.push(`${method} ${label}`)
        if (refusal !== undefined) throw refusal
        return OperationResult.fromPartial({ facts: alone ? { alone: 'yes' } : staysOut })
      }) as never,
    }
  }
  return { run: { ...plain, agent }, node: plain.joining[0] as ConversionRun['first'], asked }
}

/** Until when it stays out, by its own clock. */
const staysOut = { stays_out_until: '1764510000000' }
const facts = (of: Record<string, string>) => Promise.resolve(OperationResult.fromPartial({ facts: of }))

t.test('it ends when no node is led to it, and not while it was put back meanwhile', async (t) => {
  let ends = 0
  const { run, node, asked } = leaving(() => true)
  const tried: string[] = []
  const end = ({ unlessInEndpoints: unless, untilUnixMs }: UnlessBack, label: string) => {
    tried.push(`${unless} ${label}`)
    t.equal(String(untilUnixMs), staysOut.stays_out_until)
    return facts(++ends < 3 ? back : {})
  }
  await endUnled(run, node, { call: paperCall(), onlyJoined: true, end })
  t.same(tried, ['true retire-1', 'true retire-2', 'true retire-3'])
  t.same(
    asked,
    [1, 2, 3].map((tried) => `leaveApiEndpoints leave-endpoints-${tried}`),
  )
})

t.test('two that leave end one after the other, also where the first one fails', async (t) => {
  const { run, node, asked } = leaving(() => true)
  const end = async (_: UnlessBack, label: string) => {
    asked.push(`${label} begins`)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    asked.push(`${label} ends`)
    if (asked.length === 3) throw new QuorateError('COMMAND_FAILED', 'it does not stop')
    return facts({})
  }
  const going = { call: paperCall(), onlyJoined: true, end }
  const [first, second] = await Promise.allSettled([endUnled(run, node, going), endUnled(run, node, going)])
  t.match([first.status, second.status], ['rejected', 'fulfilled'])
  const one = ['leaveApiEndpoints leave-endpoints-1', 'retire-1 begins', 'retire-1 ends']
  t.same(asked, [...one, ...one])
})

t.test('one that is the only endpoint, or never stays out, ends as it would have before', async (t) => {
  const only = leaving(() => true, true)
  const tried: string[] = []
  const end =
    (of: Record<string, string>) =>
    ({ unlessInEndpoints: unless }: UnlessBack, label: string) => {
      tried.push(`${unless} ${label}`)
      return facts(of)
    }
  await endUnled(only.run, only.node, { call: paperCall(), onlyJoined: false, end: end({}) })
  t.same(tried, ['false retire'])
  tried.length = 0
  const never = leaving(() => true)
  await endUnled(never.run, never.node, { call: paperCall(), onlyJoined: false, end: end(back) })
  t.equal(tried.at(-1), 'false retire')
  t.equal(tried.length, 11)
})

t.test('one that may not leave the endpoints ends gently all the same; a fenced run does nothing more', async (t) => {
  const tried: string[] = []
  const end = ({ unlessInEndpoints: unless }: UnlessBack, label: string) => {
    tried.push(`${unless} ${label}`)
    return facts({})
  }
  const refused = leaving(() => true, false, new QuorateError('API_SERVER_REFUSED', 'a webhook says no'))
  await endUnled(refused.run, refused.node, { call: paperCall(), onlyJoined: true, end })
  t.same(tried, ['false retire'])
  const fenced = leaving(() => true, false, new QuorateError('FENCED', 'another coordinator'))
  await t.rejects(endUnled(fenced.run, fenced.node, { call: paperCall(), onlyJoined: true, end }), { code: 'FENCED' })
  t.same(tried, ['false retire'])
})

t.test('a node that is late, or too busy to meet a server, is waited for; one that never met any is not', async (t) => {
  const tried: string[] = []
  const end = ({ unlessInEndpoints: unless }: UnlessBack, label: string) => {
    tried.push(`${unless} ${label}`)
    return facts({})
  }
  let looks = 0
  const late = leaving(() => ++looks > 40)
  await endUnled(late.run, late.node, { call: paperCall(), onlyJoined: true, end })
  t.match(tried.splice(0), [/^true retire-\d+$/])
  t.ok(looks > 40, 'it did not end while a node was routed to it')

  const others = late.run.nodes.length - 1
  let asked = 0
  // The first round finds which nodes the Service routes at all.
  const silence = [{}, { unmet: 1 }, { unmet: 24, metSha256: [] }, {}]
  const busy = leaving(
    () => true,
    false,
    undefined,
    () => silence[Math.floor(asked++ / others)] ?? {},
  )
  await endUnled(busy.run, busy.node, { call: paperCall(), onlyJoined: true, end })
  t.match(tried.splice(0), [/^true retire-\d+$/])
  t.equal(asked, 4 * others, 'silence proves nothing')

  const worker = late.run.workers[0]?.name ?? ''
  const without = leaving(
    () => true,
    false,
    undefined,
    (source) => (source === worker ? { unmet: 24, metSha256: [] } : undefined),
  )
  await endUnled(without.run, without.node, { call: paperCall(), onlyJoined: true, end })
  t.same(tried, ['true retire-1'])
})
