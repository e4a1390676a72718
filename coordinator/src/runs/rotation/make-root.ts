import { actionOn, here, type RotationStep, underWay } from './context.js'

export const makeRoot: RotationStep = {
  id: 'make-root',
  title: 'Make the next root',
  gate: 'Its key, its issuer and the signed bundles are on the disk of the coordinator.',
  undo: 'They are removed: no node trusts them.',
  width: 1,
  plan: async ({ trust }) =>
    (await trust.rotation()) === undefined
      ? [actionOn(here, 'make a root for ten years and an issuer below it, and sign what nodes will be given')]
      : [],
  apply: (run) => run.begin(),
  async verify(run) {
    const { startedAt } = await underWay(run)
    return [{ what: 'the next root', saw: `made at ${new Date(startedAt).toISOString()}` }]
  },
  rollback: ({ trust }) => trust.forget(),
}
