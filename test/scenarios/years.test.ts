import t from 'tap'
import { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { FakedClock, noFakedClock } from '../support/faked-clock.js'

interface Renewals {
  readonly identities: readonly { readonly whose: string; readonly state: string; readonly until: string }[]
}
interface Nodes {
  readonly nodes: readonly {
    readonly name: string
    readonly reachable: boolean
    readonly certificateExpiresAt: string
  }[]
}

const everyDays = 20
const away = 'k8sworker17.example.com'

t.test('twenty agents live through 400 days, one of them was away for 200', { skip: noFakedClock }, async (t) => {
  const cluster = await SimulatedCluster.start({ workers: 17 })
  t.teardown(() => cluster.stop())
  const clock = new FakedClock(t.testdir())
  cluster.env = clock.env
  await cluster.prepare()
  const began = Date.now()
  const dayOf = (time: string) => Math.round((Date.parse(time) - began) / 86_400_000)

  async function say<T>(...args: string[]): Promise<T & { readonly exitCode: number }> {
    const { exitCode, stdout, stderr } = await cluster.quorate([...args, '-o', 'json'])
    t.match(stdout, /^\{/, `${args.join(' ')}: ${stderr}`)
    return { ...(JSON.parse(stdout) as T), exitCode: Number(exitCode) }
  }
  const times = new Map<string, number>()
  /** Every identity that is not the one which is away holds on this day. */
  async function live(day: number, isAway: boolean): Promise<void> {
    clock.set(day)
    const { identities, exitCode } = await say<Renewals>('renew')
    const failed = identities.filter(({ state }) => state === 'failed').map(({ whose }) => whose)
    t.strictSame(failed, failed.length > 0 && isAway ? [away] : [], `day ${day}: none failed to renew`)
    t.equal(exitCode, failed.length > 0 ? 3 : 0)
    for (const { whose, state, until } of identities) {
      if (state === 'renewed') times.set(whose, (times.get(whose) ?? 0) + 1)
      if (state !== 'failed' && dayOf(until) <= day) t.fail(`day ${day}: ${whose} has ended`)
    }
    t.ok(identities.some(({ whose }) => whose === 'coordinator'))
    const { nodes } = await say<Nodes>('nodes')
    t.equal(nodes.length, 20)
    for (const { name, reachable, certificateExpiresAt } of nodes) {
      const is = isAway && name === away ? 'away' : reachable && dayOf(certificateExpiresAt) > day
      if (is === false) t.fail(`day ${day}: ${name} does not answer, or its certificate has ended`)
    }
  }

  for (let day = 0; day <= 400; day += everyDays) {
    if (day === 100) await cluster.stopAgent(away)
    if (day === 300) await cluster.startAgent(cluster.node(away))
    await live(day, day >= 100 && day < 300)
  }
  t.equal(times.size, 20, 'every agent; the coordinator renews its own with whatever command comes when it is due')
  for (const [whose, count] of times) t.ok(count >= (whose === away ? 3 : 5), `${whose}: renewed ${count} times`)

  // Nothing is done with the fleet for most of a year: issuer, coordinator and agents have ended, all of them.
  clock.set(700)
  const { nodes } = await say<Nodes>('nodes')
  t.same(new Set(nodes.map(({ reachable }) => reachable)), new Set([false]), 'none is trusted with what it has')
  await live(700, false)
})
