import type { NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { Agent } from '@quorate/coordinator/fleet/agent'
import type { Fleet } from '@quorate/coordinator/fleet/fleet'
import { gently } from '@quorate/coordinator/fleet/gently'
import { connectToLook } from '@quorate/coordinator/runs/connect-to-look'
import type { Session } from '@quorate/coordinator/runs/context/session'
import type { Clock } from '@quorate/shared/clock'
import t from 'tap'

const node = (name: string) => ({ name, address: '192.168.13.30', agent: '192.168.13.30:7445' }) as NodeEntry

/** Agents that answer when told to. */
function waitingFleet() {
  const asked: (() => void)[] = []
  let most = 0
  const fleet: Fleet = {
    agent: ({ name }) =>
      ({
        node: name,
        read: () =>
          new Promise((resolve) => {
            asked.push(() => resolve({ name }))
            most = Math.max(most, asked.length)
          }),
      }) as unknown as Agent,
    close: () => {},
  }
  return { fleet, asked, most: () => most }
}

const ask = (fleet: Fleet) => ['a', 'b', 'c', 'd', 'e'].map((name) => fleet.agent(node(name)).read('getNodeFacts', {}))

async function answerAll(asked: (() => void)[], answers: readonly Promise<unknown>[]): Promise<unknown> {
  const all = Promise.all(answers)
  for (let answered = 0; answered < answers.length; await new Promise(setImmediate))
    for (const answer of asked.splice(0)) {
      answer()
      answered++
    }
  return all
}

t.test('a look beside a run asks two questions at a time, of all nodes together, and gets every answer', async (t) => {
  const { fleet, asked, most } = waitingFleet()
  const answers = ask(gently(fleet))
  await new Promise(setImmediate)
  t.same(
    await answerAll(asked, answers),
    ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })),
  )
  t.equal(most(), 2)
})

for (const [held, expected] of [
  [true, 2],
  [false, 5],
] as const)
  t.test(`where ${held ? 'a' : 'no'} run holds the cluster, ${expected} are asked at once`, async (t) => {
    const { fleet, asked, most } = waitingFleet()
    const leases = { holder: async () => (held ? { run: 'x' } : undefined) }
    const session = { connect: () => fleet, leases } as unknown as Session
    const answers = ask(await connectToLook(session, 'c1'))
    await new Promise(setImmediate)
    await answerAll(asked, answers)
    t.equal(most(), expected)
  })

t.test(
  'after an answer its place rests four times as long as the answer took; closing the fleet ends every rest',
  async (t) => {
    const { fleet, asked } = waitingFleet()
    const rests: { ms: number; end: () => void; signal: AbortSignal | undefined }[] = []
    let now = 0
    const clock: Clock = {
      now: () => now,
      sleep: (ms, signal) => new Promise((end) => rests.push({ ms, end, signal })),
    }
    const turn = () => new Promise(setImmediate)
    const looking = gently(fleet, clock)
    void ask(looking)
    await turn()
    now = 300
    asked.shift()?.()
    await turn()
    now = 9_000
    asked.shift()?.()
    await turn()
    t.match(rests, [{ ms: 1_200 }, { ms: 2_000 }], 'after a slow node not longer than two seconds')
    t.equal(asked.length, 0, 'both places rest')
    rests[0]?.end()
    await turn()
    t.equal(asked.length, 1)
    looking.close()
    t.ok(rests.every(({ signal }) => signal?.aborted))
  },
)

t.test('a question that fails says so, and frees its place', async (t) => {
  const failing: Fleet = {
    agent: ({ name }) =>
      ({ node: name, read: () => Promise.reject(new Error(`${name} does not answer`)) }) as unknown as Agent,
    close: () => {},
  }
  const fleet = gently(failing)
  for (const result of await Promise.allSettled(ask(fleet))) t.match(result, { status: 'rejected' })
  fleet.close()
})
