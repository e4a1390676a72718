import { enrolledAs } from '../../config/enrolled-node.js'
import { actionOn, here, isAmong, meet, onNodes, type RotationRun, type RotationStep, underWay } from './context.js'
import { giveBundle } from './give-bundle.js'

const does = 'trust both roots'

export const trustBoth: RotationStep = {
  id: 'trust-both',
  title: 'Trust both roots',
  gate: 'Each node says over a new connection that it trusts both.',
  undo: 'Each node, and the coordinator, trusts the root of before alone.',
  width: 10,
  canary: () => 1,
  plan: async (run) => [
    ...((await trustsNext(run)) ? [] : [actionOn(here, does)]),
    ...(await onNodes(run, does, ({ roots }, { after }) => !isAmong(after.root, roots))),
  ],
  async apply(run, { node }) {
    const { both } = await underWay(run)
    if (node === here) return run.trust.trust(both)
    await giveBundle(run, enrolledAs(run.nodes, node), both)
  },
  async verify(run, { node }) {
    if (node === here) return [{ what: 'roots that the coordinator trusts', saw: 'both' }]
    const { number } = await meet(run, enrolledAs(run.nodes, node))
    return [{ what: `bundle of roots on ${node}`, saw: `number ${number}` }]
  },
  async rollback(run, { action: { node } }) {
    const { before } = await underWay(run)
    if (node === here) return run.trust.trust(before.alone)
    await giveBundle(run, enrolledAs(run.nodes, node), before.alone)
  },
}

async function trustsNext({ trust }: RotationRun): Promise<boolean> {
  const rotation = await trust.rotation()
  return rotation !== undefined && isAmong(rotation.after.root, (await trust.own()).ca)
}
