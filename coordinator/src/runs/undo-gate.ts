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
 * The gate of every undo: each file and object that an action touched has the hash that it had before the run, according to this run's backup.
 * Read from fresh facts where they include it, else from what its agent restored and hashed. DRIFT names what differs. Joins restore nothing:
 * their gate reads the cluster. The learner gate does not restore what was before the run, but what another step made of it.
 */
export function undoGate(state: RunState): RollbackOptions<ConversionRun>['asBefore'] {
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
    `${name} differs from before the run: sha256 ${seen || 'absent'}, before ${before || 'absent'}`,
    { where: node, remedy: `Find out what changed it. \`quorate backup restore\` restores the earlier file.` },
  )

/** The hashes that the gate of the backup saw, by node and name; a listed node was backed up completely. */
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

/** Every touched name with its hash before: what the backup does not have did not exist. */
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

/** The hash that an undo operation reported; undefined where it changed nothing. */
function putBackAs(undone: readonly OperationRecord[], { node, name }: Touch): string | undefined {
  const touched = undone.flatMap((one) => (one.node === node ? one.result.touched : []))
  return touched.findLast((one) => one.name === name)?.sha256After
}
