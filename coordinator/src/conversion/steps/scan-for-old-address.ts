import { QuorateError } from '@quorate/shared/errors'
import { nothingToUndo } from '../../engine/step.js'
import { toJoin } from '../membership.js'
import { oldAddressFindings } from '../old-address.js'
import { defineStep } from '../run.js'

export const scanForOldAddress = defineStep({
  id: 'scan-for-old-address',
  title: "Look for what still names the first control plane's address",
  gate: 'Nothing names it but its own local files.',
  undo: 'None needed: it only looks.',
  width: 1,
  onResume: 'renewed',
  async plan(run) {
    const joined = (await toJoin(run)).length === 0
    if (joined && (await oldAddressFindings(run)).length === 0) return []
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `look through ConfigMaps, workloads, webhooks and every node's kubeconfigs for ${run.first.address}`,
        diffs: [],
      },
    ]
  },
  async apply() {
    // It only looks: all is in the gate.
  },
  async verify(run) {
    const findings = await oldAddressFindings(run)
    if (findings.length > 0) {
      const list = findings.map(
        ({ node, message, evidence }) => `${node === undefined ? '' : `${node}: `}${message} (${evidence})`,
      )
      throw new QuorateError('STEP_FAILED', `the first control plane's address is still in use: ${list.join('; ')}`, {
        where: findings[0]?.node ?? run.first.name,
        remedy: [...new Set(findings.map(({ remedy }) => remedy))].join(' '),
      })
    }
    return [
      {
        what: `${run.first.address} in ConfigMaps, workloads, webhooks and kubeconfigs of ${run.nodes.length} nodes`,
        saw: 'only in its own local files',
      },
    ]
  },
  rollback: nothingToUndo('it only looks'),
})
