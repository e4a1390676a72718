import { enrolledAs } from '../../config/enrolled-node.js'
import { nothingToUndo } from '../../engine/step.js'
import {
  actionOn,
  here,
  isAmong,
  meet,
  meetAll,
  onNodes,
  type RotationRun,
  type RotationStep,
  underWay,
} from './context.js'
import { giveBundle } from './give-bundle.js'

const noWayBack =
  'The root of before is given up: certificates below it hold no more, and the rotation cannot be undone.'
const rollback = nothingToUndo('what was given up is trusted no more')
const does = 'trust the next root alone'

export const retireOnNodes: RotationStep = {
  id: 'retire-on-nodes',
  title: 'Give up the root of before on the nodes',
  gate: 'Each node answers over a new connection, which trusts the next root alone, and says that it does too.',
  undo: 'None: it cannot be undone.',
  width: 5,
  canary: () => 1,
  before: proveNext,
  plan: async (run) =>
    (await onNodes(run, does, ({ roots }, { before }) => isAmong(before.root, roots))).map((action) => ({
      ...action,
      noWayBack,
    })),
  async apply(run, { node }) {
    const { after } = await underWay(run)
    await giveBundle(run, enrolledAs(run.nodes, node), after.alone)
  },
  async verify(run, { node }) {
    const { after } = await underWay(run)
    const { number } = await meet(run, enrolledAs(run.nodes, node), after.root)
    return [{ what: `bundle of roots on ${node}`, saw: `number ${number}` }]
  },
  rollback,
}

export const retireHere: RotationStep = {
  id: 'retire-here',
  title: 'Give up the root of before here',
  gate: 'The coordinator trusts the next root alone, and the keys of before are removed.',
  undo: 'None: it cannot be undone.',
  width: 1,
  plan: async ({ trust }) =>
    (await trust.rotation()) === undefined
      ? []
      : [{ ...actionOn(here, `${does}, remove the keys of before`), noWayBack }],
  async apply(run) {
    const { after } = await underWay(run)
    await run.trust.trust(after.alone)
    await run.trust.forget()
  },
  async verify(run) {
    return [{ what: 'nodes that answer', saw: await meetAll(run) }]
  },
  rollback,
}

/** Nothing is given up anywhere while one node, or the coordinator, would be shut out. */
async function proveNext(run: RotationRun) {
  const { after } = await underWay(run)
  return [{ what: 'nodes that prove themselves below the next root alone', saw: await meetAll(run, after.root) }]
}
