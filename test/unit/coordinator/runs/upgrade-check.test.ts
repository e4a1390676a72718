import type { Session } from '@quorate/coordinator/runs/context/session'
import { upgradeCheck } from '@quorate/coordinator/runs/upgrade-check'
import { QuorateError } from '@quorate/shared/errors'
import { version } from '@quorate/shared/version'
import t from 'tap'
import { makeStyle } from '../../../../coordinator/src/cli/render/style.js'
import { upgradeText } from '../../../../coordinator/src/cli/render/upgrade-check.js'

type End = 'done' | 'failed' | 'running' | 'abandoned' | 'damaged'

/** Runs by what wrote them and how they ended, and agents by what they answer; an agent without an answer is away. */
function sessionWith(runs: readonly (readonly [End, string])[], agents: Readonly<Record<string, string | undefined>>) {
  const ids = runs.map((_, index) => `2026110${index + 1}t120000-aaaaaa`)
  const journal = async (id: string) => {
    const [end, by] = runs[ids.indexOf(id)] ?? []
    if (end === 'damaged') throw new QuorateError('JOURNAL_DAMAGED', 'line 3 has another hash')
    const started = { kind: 'run-started', cluster: id, version: by, operation: 'convert', fencingToken: 1, steps: [] }
    const ended = end === 'done' || end === 'failed' ? [{ kind: 'run-ended', outcome: end }] : []
    return [started, ...ended].map((event, index) => ({ seq: index + 1, at: 1, run: id, event }))
  }
  const agent = ({ name }: { name: string }) => ({
    async read(method: string) {
      if (agents[name] === undefined) throw new QuorateError('AGENT_UNREACHABLE', 'it does not answer')
      return method === 'getNodeFacts' ? { facts: { agentVersion: agents[name], clockUnixMs: 0 } } : { number: 0 }
    },
  })
  return {
    runs: { list: async () => ids, read: journal },
    leases: {
      holder: async (cluster: string) => (runs[ids.indexOf(cluster)]?.[0] === 'running' ? { run: cluster } : undefined),
    },
    enrolled: async () => Object.keys(agents).map((name) => ({ name, agent: `${name}:7443`, certificateExpiresAt: 1 })),
    connect: () => ({ agent, close: () => {} }),
  } as unknown as Session
}

const verdicts = async (...world: Parameters<typeof sessionWith>) =>
  (await upgradeCheck(sessionWith(...world))).map(({ name, verdict }) => `${name} ${verdict}`)

t.test('runs that are over and agents of this release are fine', async (t) => {
  t.same(await verdicts([['done', '0.0.1']], { cp1: version }), ['cp1 fine'])
  const text = upgradeText(await upgradeCheck(sessionWith([], { cp1: version })), version, makeStyle(false))
  t.match(text, `quorate ${version} can take over.`)
  t.match(
    upgradeText([], version, makeStyle(false)),
    /^No run is open and no node is enrolled\. quorate .* can take over/,
  )
})

t.test(
  'an open run of this release can wait, one of a newer or much older one blocks, and so does one that runs',
  async (t) => {
    const all: readonly (readonly [End, string])[] = [
      ['failed', version],
      ['abandoned', '9.0.0'],
      ['failed', '0.0.1'],
      ['running', version],
      ['damaged', ''],
    ]
    const items = await upgradeCheck(sessionWith(all, {}))
    t.same(items.map(({ verdict }) => verdict).sort(), ['blocks', 'blocks', 'blocks', 'can wait', 'can wait'])
    const text = upgradeText(items, version, makeStyle(false))
    t.match(text, /quorate resume 20261101t120000-aaaaaa/)
    t.match(text, /Go on with quorate 9\.0\.0 until it is over/)
    t.match(text, /cannot take over yet: 3 things first/)
  },
)

t.test('every agent that this release does not work with is named with what to type', async (t) => {
  const world = { newer: '9.0.0', old: '0.0.1', away: undefined, mute: '', rebuilt: `${version}-rc.1` }
  t.same(await verdicts([], world), ['newer blocks', 'old blocks', 'away blocks', 'mute blocks', 'rebuilt can wait'])
  const text = upgradeText(await upgradeCheck(sessionWith([], world)), version, makeStyle(false))
  for (const name of ['newer', 'old', 'mute', 'rebuilt'])
    t.match(text, `next: quorate deploy -f cluster.yaml --limit ${name}`)
  t.match(text, /away: it does not answer/)
})
