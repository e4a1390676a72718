import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { openSession } from '@quorate/coordinator/open-session'
import { planConversion } from '@quorate/coordinator/runs/plan'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { share } from '../../support/share.js'
import { clusterForTest } from '../../support/simulated-cluster.js'
import { publicCases } from './all.js'
import type { ExpectedFinding, PlanTrial, PublicCase } from './case.js'

/** QUORATE_CASES names some: ids or kinds. */
const asked = process.env['QUORATE_CASES']?.split(/[\s,]+/)
const wanted = publicCases.filter(({ id, kind }) => asked === undefined || asked.includes(id) || asked.includes(kind))

/** A machine that does other things at the same time has a slow disk; that is found in test/unit/coordinator/checks. */
const ofThisMachine = 'disk-latency'

/** What is told of each case in the test's name. */
const nameOf = ({ id, kind, input }: PublicCase): string => `${kind} ${id}: ${input}`

/** Puts each of one part of them into one sound simulated cluster, plans, and takes it out again. Parts are tried at the same time, each by a file. */
export async function tryPlans(part: number, parts: number): Promise<void> {
  const cases = share(
    wanted
      .flatMap((one) => ('plan' in one.trial ? [{ one, trial: one.trial.plan }] : []))
      .filter((_, index) => index % parts === part),
  )
  if (cases.length === 0) return
  await t.test('put into a sound cluster, one by one', async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 })
    const { file } = await readClusterFile(cluster.clusterFile)
    const session = await openSession(cluster.stateFolder)
    const planned = (policy: PlanTrial['policy'] = {}) =>
      planConversion(session, { ...file, policy: { ...file.policy, ...policy } })
    const toJudge = ({ findings: all }: Awaited<ReturnType<typeof planned>>) =>
      all.filter(({ id }) => id !== ofThisMachine)
    const findings = async () => toJudge(await planned())
    const above = (all: Awaited<ReturnType<typeof findings>>) => all.filter(({ severity }) => severity !== 'info')
    /** Components that were restarted by a case need a moment. */
    const sound = () =>
      until(
        'no finding in the sound cluster',
        async () => {
          const found = above(await findings())
          return found.length === 0 ? holds(true) : notYet(JSON.stringify(found))
        },
        { deadlineMs: 60_000, everyMs: 300 },
      )
    await sound()
    for (const { one, trial } of cases) {
      await t.test(nameOf(one), async (t) => {
        const takeOut = await trial.put(cluster)
        try {
          const plan = await planned(trial.policy)
          const found = toJudge(plan)
          for (const expected of trial.finds) {
            const seen = found.find((each) => matches(cluster, expected, each))
            t.ok(seen, `${expected.severity} ${expected.check}`, { found, expected })
            t.ok(seen?.remedy, 'with a remedy')
          }
          const rest = above(found).filter(
            (each) =>
              !trial.seenBy?.includes(each.id) && !trial.finds.some((expected) => matches(cluster, expected, each)),
          )
          t.same(rest, [], 'and nothing else')
          const diffs = plan.steps.flatMap(({ actions }) => actions.flatMap((action) => action.diffs))
          for (const like of trial.diff ?? []) t.match(diffs.map(({ text }) => text).join('\n'), like)
        } finally {
          await takeOut()
          await sound()
        }
      })
    }
  })
}

interface Seen {
  readonly id: string
  readonly severity: string
  readonly node?: string
  readonly message: string
  readonly evidence: string
  readonly remedy: string
}

function matches(cluster: SimulatedCluster, expected: PlanTrial['finds'][number], seen: Seen): boolean {
  const fits = (pattern: ExpectedFinding['message'], text: string) => pattern?.test(text) ?? true
  return (
    seen.id === expected.check &&
    seen.severity === expected.severity &&
    seen.node === (expected.on === undefined ? undefined : cluster.node(expected.on).name) &&
    fits(expected.message, seen.message) &&
    fits(expected.evidence, seen.evidence) &&
    fits(expected.remedy, seen.remedy)
  )
}

/** Whole conversions, each of a cluster of its own. */
export async function tryConversions(): Promise<void> {
  for (const one of share(wanted.filter(({ trial }) => 'conversion' in trial)))
    if ('conversion' in one.trial) {
      const { conversion } = one.trial
      await t.test(nameOf(one), (t) => conversion(t))
    }
}

/** Calls of one function. */
export async function tryCalls(): Promise<void> {
  for (const one of wanted)
    if ('call' in one.trial) {
      const { call } = one.trial
      await t.test(nameOf(one), async (t) => call(t))
    }
}

/** The list itself. */
export function tryList(): void {
  t.equal(new Set(publicCases.map(({ id }) => id)).size, publicCases.length, 'each id is there once')
}
