import { enrolledAs } from '../../config/enrolled-node.js'
import { isBelow, meet, onNodes, type RotationStep, underWay } from './context.js'

export const renewNodes: RotationStep = {
  id: 'renew-nodes',
  title: 'Renew the certificates of the nodes',
  gate: 'Each node proves itself to a connection that trusts the next root alone.',
  undo: 'Each node gets another certificate, below the root of before.',
  width: 5,
  canary: () => 1,
  plan: (run) =>
    onNodes(run, 'take a certificate below the next root', ({ certificatePem }, { after }) => {
      return !isBelow(certificatePem, after.root)
    }),
  apply: (run, { node }) => run.renew(enrolledAs(run.nodes, node)),
  async verify(run, { node }) {
    const { after } = await underWay(run)
    await meet(run, enrolledAs(run.nodes, node), after.root)
    return [{ what: `certificate of ${node}`, saw: 'proved below the next root alone' }]
  },
  async rollback(run, { action: { node } }) {
    // The issuer of before first, or it would get another of the next root.
    await run.trust.issueBelow(await underWay(run), 'before')
    await run.renew(enrolledAs(run.nodes, node))
  },
  async undone(run, { action: { node } }) {
    const { before } = await underWay(run)
    await meet(run, enrolledAs(run.nodes, node), before.root)
    return [{ what: `certificate of ${node}`, saw: 'proved below the root of before alone' }]
  },
}
