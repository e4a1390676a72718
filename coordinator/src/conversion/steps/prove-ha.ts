import { nothingToUndo } from '../../engine/step.js'
import { byItself } from '../context/foreseen.js'
import { defineStep } from '../context/step.js'
import { allProofs, outsideProofs } from '../proofs/all.js'
import { untilProved } from '../proofs/until-proved.js'

export const proveHa = defineStep({
  id: 'prove-ha',
  title: 'Prove that the cluster is highly available',
  gate: 'Every proof of `quorate verify` holds on the live cluster. What no step can change was a finding of the plan (external etcd without redundancy, or what the operator accepted with a reason): it is reported and not waited for.',
  undo: 'None needed: it only reads.',
  width: 1,
  seconds: 10,
  foreseen: [byItself('every proof', 'each has a row of its own')],
  onResume: 'renewed',
  plan: async (run) => [
    {
      id: run.first.name,
      node: run.first.name,
      does: `run ${allProofs.length} proofs on the live cluster`,
      diffs: [],
    },
  ],
  async apply() {
    // It only reads: all is in the gate.
  },
  // The EndpointSlice of the API servers and the last health checks take some seconds after a join.
  verify: (run, _action, signal) => untilProved(run, { signal, deadlineMs: 60_000, except: outsideProofs }),
  rollback: nothingToUndo('it only reads'),
})
