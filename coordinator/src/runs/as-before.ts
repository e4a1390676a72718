import { QuorateError } from '@quorate/shared/errors'
import type { ConversionRun } from '../conversion/context/run.js'
import { backUpFiles } from '../conversion/steps/back-up-files.js'
import { joinControlPlanes } from '../conversion/steps/join-control-planes.js'
import { useEtcdLearners } from '../conversion/steps/use-etcd-learners.js'
import type { OperationRecord, RunState } from '../engine/fold.js'
import type { RollbackOptions } from '../engine/rollback-order.js'
import type { DoneAction } from '../engine/step.js'
import { hashesNow } from './unknown-outcome.js'

interface Touch {
  readonly node: string
  readonly name: string
  /** sha256; empty: it was not there. */
  readonly before: string
}

/**
 * The gate of every undo: each file and object that an action touched has the hash again that it had before the run, by this run's backup.
 * Looked at by fresh facts where they carry it, else by what its agent put back and hashed. DRIFT names what has not. Joins put nothing
 * back: their gate looks at the cluster. Nor does the learners' gate put back what was before the run, but what another step made of it.
 */
export function asBefore(state: RunState): RollbackOptions<ConversionRun>['asBefore'] {
  const backup = backedUp(state)
  return async (run, step, { done, undone }) => {
    if (step === joinControlPlanes.id || step === useEtcdLearners.id) return []
    const touches = touchesOf(done, backup)
    const nodes = [...new Set(touches.map(({ node }) => node))]
    const now = await Promise.all(
      nodes.map(async (node) => {
        const names = touches.filter((touch) => touch.node === node).map(({ name }) => name)
        return [node, await hashesNow(run, node, names)] as const
      }),
    )
    const byNode = new Map(now)
    return touches.map((touch) => {
      const seen = byNode.get(touch.node)?.get(touch.name) ?? putBackAs(undone, touch) ?? touch.before
      if (seen === touch.before)
        return { what: `${touch.node}:${touch.name}`, saw: `as before the run: ${touch.before || 'absent'}` }
      throw notAsBefore(touch, seen)
    })
  }
}

const notAsBefore = ({ node, name, before }: Touch, seen: string): QuorateError =>
  new QuorateError(
    'DRIFT',
    `${name} is not what it was before the run: sha256 ${seen || 'absent'}, it was ${before || 'absent'}`,
    { where: node, remedy: `Look who changed it. \`quorate backup restore\` gives the file as it was.` },
  )

/** What the backup's gate saw, by node and name; a node that is there was backed up as a whole. */
function backedUp(state: RunState): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const nodes = new Map<string, ReadonlyMap<string, string>>()
  for (const { action, state: is, evidence } of state.steps.find(({ id }) => id === backUpFiles.id)?.actions ?? []) {
    if (is !== 'verified') continue
    const hashes = evidence.flatMap(({ what, saw }) => {
      const sha256 = /^sha256 ([0-9a-f]{64})$/.exec(saw)?.[1]
      return sha256 === undefined ? [] : [[what.slice(action.node.length + 1), sha256] as const]
    })
    nodes.set(action.node, new Map(hashes))
  }
  return nodes
}

/** Every name that was touched, with its hash before: what the backup does not have was not there. */
function touchesOf({ results }: DoneAction, backup: ReturnType<typeof backedUp>): readonly Touch[] {
  const found = new Map<string, Touch>()
  for (const { node, result } of results) {
    for (const { name, sha256Before } of result.touched) {
      if (found.has(`${node}:${name}`)) continue
      const kept = backup.get(node)
      found.set(`${node}:${name}`, { node, name, before: kept === undefined ? sha256Before : (kept.get(name) ?? '') })
    }
  }
  return [...found.values()]
}

/** What an undo operation said that it left; undefined where it found it as it was. */
function putBackAs(undone: readonly OperationRecord[], { node, name }: Touch): string | undefined {
  const touched = undone.flatMap((one) => (one.node === node ? one.result.touched : []))
  return touched.findLast((one) => one.name === name)?.sha256After
}
