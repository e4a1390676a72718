import t from 'tap'
import { DisturbingLooks } from '../../../../agent/src/ops/context/disturbing-looks.js'
import { holdPorts } from '../../../../agent/src/ops/hold-ports.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const [run, other] = ['20260303t101112-abc123', '20260303t101112-def456']

t.test('a change ends the looks of others, waits for them, and lets none begin until it is over', async (t) => {
  const looks = new DisturbingLooks()
  const [ofNobody, own] = [looks.begin(''), looks.begin(run)]
  let gone = false
  const change = looks.giveWay(run).then((over) => {
    gone = true
    return over
  })
  t.match(ofNobody.signal.reason, { code: 'NODE_BUSY' })
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(gone, false, 'it waits')
  ofNobody.end()
  const over = await change
  t.equal(own.signal.aborted, false, 'its own run knows when to look')
  for (const who of ['', other]) t.throws(() => looks.begin(who), { code: 'NODE_BUSY' })
  looks.begin(run).end()
  over()
  looks.begin('').end()
  own.end()
})

t.test('ports that somebody looks at are free when a change begins', async (t) => {
  const node = await OpsNode.make(t)
  const port = 16_443
  const held = holdPorts
    .run({ ports: [port], deadlineMs: 60_000, runId: '' }, node.tools, new AbortController().signal)
    [Symbol.asyncIterator]()
  t.match((await held.next()).value, { listening: [port] })
  const end = rejected(held.next() as Promise<never>)
  const over = await node.tools.looks.giveWay(run)
  t.match(await end, { code: 'NODE_BUSY', remedy: /quorate status/ })
  const refused = holdPorts.run(
    { ports: [port], deadlineMs: 10, runId: other },
    node.tools,
    new AbortController().signal,
  )
  t.match(await rejected(refused[Symbol.asyncIterator]().next() as Promise<never>), { code: 'NODE_BUSY' })
  over()
})
