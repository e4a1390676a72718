import { actionOn, here, isBelow, meetAll, type RotationStep, underWay } from './context.js'

export const useNextIssuer: RotationStep = {
  id: 'use-next-issuer',
  title: 'Issue below the next root',
  gate: 'Each node answers the new identity of the coordinator over a new connection.',
  undo: 'Issuer, identity of the coordinator and the list of revoked keys are below the root of before.',
  width: 1,
  async plan({ trust }) {
    const rotation = await trust.rotation()
    const isNext = rotation !== undefined && isBelow((await trust.own()).cert, rotation.after.root)
    return isNext
      ? []
      : [actionOn(here, 'take the next issuer, and with it a new identity; sign the list of revoked keys again')]
  },
  apply: async (run) => run.trust.issueBelow(await underWay(run), 'after'),
  async verify(run) {
    return [{ what: 'nodes that answer the new identity', saw: await meetAll(run) }]
  },
  rollback: async (run) => run.trust.issueBelow(await underWay(run), 'before'),
}
