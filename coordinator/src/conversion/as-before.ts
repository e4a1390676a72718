import { QuorateError } from '@quorate/shared/errors'
import type { OperationRecord } from '../engine/fold.js'
import type { DoneAction, Evidence } from '../engine/step.js'
import type { ConversionRun } from './run.js'
import { joinControlPlanes } from './steps/join-control-planes.js'
import { hashesNow } from './unknown-outcome.js'

interface Touch {
  readonly node: string
  readonly name: string
  /** Empty: it was not there. */
  readonly before: string
}

/**
 * Every file and object that an action touched has the hash again that it had before the action: by fresh facts where they carry it, else
 * by what its agent put back and hashed. DRIFT names what has not. Joins put nothing back: their gate looks at the cluster.
 */
export async function asBefore(
  run: ConversionRun,
  step: string,
  { done, undone }: { done: DoneAction; undone: readonly OperationRecord[] },
): Promise<readonly Evidence[]> {
  if (step === joinControlPlanes.id) return []
  const touches = firstTouches(done)
  const now = await Promise.all(
    [...new Set(touches.map(({ node }) => node))].map(async (node) => {
      const names = touches.filter((touch) => touch.node === node).map(({ name }) => name)
      return [node, await hashesNow(run, node, names)] as const
    }),
  )
  const byNode = new Map(now)
  return touches.map((touch) => {
    const seen = byNode.get(touch.node)?.get(touch.name) ?? putBackAs(undone, touch) ?? touch.before
    if (seen === touch.before)
      return { what: `${touch.node}:${touch.name}`, saw: `as before the run: ${touch.before || 'absent'}` }
    throw new QuorateError(
      'DRIFT',
      `${touch.name} is not what it was before the run: sha256 ${seen || 'absent'}, it was ${touch.before || 'absent'}`,
      { where: touch.node },
    )
  })
}

/** The first touch of each name has what was there before; one of which no result was written has no such hash. */
function firstTouches({ results }: DoneAction): readonly Touch[] {
  const found = new Map<string, Touch>()
  for (const { node, result } of results) {
    for (const { name, sha256Before, sha256After } of result.touched) {
      const unknown = sha256Before === '' && !isNew(name)
      if (unknown || sha256Before === sha256After || found.has(`${node}:${name}`)) continue
      found.set(`${node}:${name}`, { node, name, before: sha256Before })
    }
  }
  return [...found.values()]
}

/** What a conversion may make where nothing was. */
const isNew = (name: string): boolean => /^\/etc\/(haproxy|keepalived)\//.test(name)

/** What an undo operation said that it left; undefined where it found it as it was. */
function putBackAs(undone: readonly OperationRecord[], { node, name }: Touch): string | undefined {
  const touched = undone.flatMap((one) => (one.node === node ? one.result.touched : []))
  return touched.findLast((one) => one.name === name)?.sha256After
}
