import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import { nothingToUndo } from '../../engine/step.js'
import type { Finding } from '../checks/check.js'
import { allProofs } from '../proofs/all.js'
import { prove } from '../prove.js'
import { type ConversionRun, defineStep } from '../run.js'

export const proveHa = defineStep({
  id: 'prove-ha',
  title: 'Prove that the cluster is highly available',
  gate: 'Every proof of `quorate verify` on the live cluster: all gates again.',
  undo: 'None needed: it only looks.',
  width: 1,
  onResume: 'renewed',
  plan: async (run) => [
    {
      id: run.first.name,
      node: run.first.name,
      does: `make ${allProofs.length} proofs on the live cluster`,
      diffs: [],
    },
  ],
  async apply() {
    // It only looks: all is in the gate.
  },
  async verify(run, _action, signal) {
    let missing: readonly Finding[] = []
    const look = async (): Promise<Look<readonly Evidence[]>> => {
      run.refresh()
      const { highlyAvailable, proofs } = await prove(run, allProofs, signal)
      missing = proofs.flatMap(({ findings }) => findings).filter(({ severity }) => severity === 'error')
      return highlyAvailable
        ? holds(proofs.flatMap(({ evidence }) => evidence))
        : notYet(missing.map(inWords).join('; '))
    }
    // The EndpointSlice of the API servers and the last health checks take some seconds after a join.
    return until('the cluster to be highly available', look, { deadlineMs: 60_000, everyMs: 500, signal }).catch(
      (error: unknown) => {
        throw missing.length === 0 ? asQuorateError(error) : notHighlyAvailable(run, missing)
      },
    )
  },
  rollback: nothingToUndo('it only looks'),
})

const inWords = ({ node, message, evidence }: Finding): string =>
  `${node === undefined ? '' : `${node}: `}${message} (${evidence})`

function notHighlyAvailable(run: ConversionRun, missing: readonly Finding[]): QuorateError {
  return new QuorateError('STEP_FAILED', `not highly available: ${missing.map(inWords).join('; ')}`, {
    where: missing[0]?.node ?? run.first.name,
    remedy: [...new Set(missing.map(({ remedy }) => remedy))].join(' '),
  })
}
