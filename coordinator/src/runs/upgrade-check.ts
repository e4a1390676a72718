import { type Skew, skewOf } from '@quorate/shared/release'
import { isUnfinished, type Outcome } from '../engine/fold.js'
import { listRuns } from './context/read-runs.js'
import type { Session } from './context/session.js'
import { listNodes } from './nodes.js'

/** One thing that this release must work with: a run that is not over, or the agent of an enrolled node. */
export interface UpgradeItem {
  readonly kind: 'run' | 'agent'
  /** Id of the run, or name of the node. */
  readonly name: string
  /** Which release wrote it last, or answers there; empty: not known. */
  readonly version: string
  /** What this release says of it. */
  readonly verdict: 'fine' | 'can wait' | 'blocks'
  readonly says: string
  /** What to type; empty where nothing is to be done. */
  readonly next: string
}

type Verdict = Pick<UpgradeItem, 'verdict' | 'says' | 'next'>

/** What stands between this release and the work that it takes over, the runs first. Changes nothing. */
export async function upgradeCheck(session: Session): Promise<readonly UpgradeItem[]> {
  const [runs, nodes] = await Promise.all([listRuns(session), listNodes(session)])
  return [
    ...runs
      .filter(({ outcome }) => isUnfinished(outcome) || outcome === 'damaged')
      .map(
        ({ id, outcome, version }): UpgradeItem => ({ kind: 'run', name: id, version, ...ofRun(id, outcome, version) }),
      ),
    ...nodes.map(
      ({ name, agentVersion = '', problem }): UpgradeItem => ({
        ...{ kind: 'agent', name, version: agentVersion },
        ...(problem === undefined
          ? ofAgent(skewOf(agentVersion), name)
          : { verdict: 'blocks', says: problem.message, next: problem.remedy }),
      }),
    ),
  ]
}

function ofRun(id: string, outcome: Outcome, version: string): Verdict {
  const earlier = `Go on with quorate ${version} until it is over.`
  if (outcome === 'damaged')
    return { verdict: 'can wait', says: 'its journal is damaged, for every release', next: `quorate status ${id}` }
  if (outcome === 'running')
    return { verdict: 'blocks', says: 'a process works on it now', next: `quorate watch ${id}` }
  const skew = skewOf(version)
  if (skew === 'newer') return { verdict: 'blocks', says: `${outcome}; a newer release wrote it`, next: earlier }
  if (skew === 'too-old' || skew === 'unknown')
    return { verdict: 'blocks', says: `${outcome}; its release is too old for this one to go on`, next: earlier }
  return { verdict: 'can wait', says: `${outcome}; this release can go on with it`, next: `quorate resume ${id}` }
}

function ofAgent(skew: Skew, name: string): Verdict {
  const next = `quorate deploy -f cluster.yaml --limit ${name}`
  const verdicts: Readonly<Record<Skew, Verdict>> = {
    same: { verdict: 'fine', says: 'has this release', next: '' },
    'another-build': { verdict: 'can wait', says: 'has another build of this release', next },
    before: { verdict: 'can wait', says: 'has the release before; a run works with it', next },
    'too-old': { verdict: 'blocks', says: 'is too old for this release', next },
    newer: { verdict: 'blocks', says: 'has a newer release than this one, which this one does not work with', next },
    unknown: { verdict: 'blocks', says: 'does not say which release it has', next },
  }
  return verdicts[skew]
}
