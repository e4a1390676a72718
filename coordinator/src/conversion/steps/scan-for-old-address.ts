import { QuorateError } from '@quorate/shared/errors'
import { nothingToUndo } from '../../engine/step.js'
import { newcomers } from '../checks/newcomers.js'
import type { Finding } from '../context/finding.js'
import { defineStep } from '../context/step.js'
import { oldAddressFindings } from '../endpoint/old-address.js'
import { toJoin } from '../facts/membership.js'

export const scanForOldAddress = defineStep({
  id: 'scan-for-old-address',
  title: "Look for what still names the first control plane's address",
  gate: 'Nothing that the cluster works by names it but its own local files; who else does is told, with what mends it.',
  undo: 'None needed: it only looks.',
  width: 1,
  foreseen: [{ asks: 'nothing that works by the old address', checks: ['old-address-users'] }],
  onResume: 'renewed',
  async plan(run) {
    const joined = (await toJoin(run)).length === 0
    if (joined && (await oldAddressFindings(run)).every(({ severity }) => severity !== 'error')) return []
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `look through the objects of the API and every node's own files for ${run.first.address}`,
        diffs: [],
      },
    ]
  },
  async apply() {
    // It only looks: all is in the gate.
  },
  async verify(run) {
    const findings = [...(await newcomers(run)), ...(await oldAddressFindings(run))]
    const errors = findings.filter(({ severity }) => severity === 'error')
    if (errors.length > 0) {
      const list = errors.map((finding) => `${placeOf(finding)}${finding.message} (${finding.evidence})`)
      throw new QuorateError(
        'STEP_FAILED',
        `the first control plane's address is still in use, or may be: ${list.join('; ')}`,
        {
          where: errors[0]?.node ?? run.first.name,
          remedy: [...new Set(errors.map(({ remedy }) => remedy))].join(' '),
        },
      )
    }
    return [
      {
        what: `${run.first.address} in objects of the API and in files of ${run.nodes.length} nodes`,
        saw: findings.length === 0 ? 'only in its own local files' : 'nowhere that the cluster works by',
      },
      ...findings.map((finding) => ({
        what: `${placeOf(finding)}${finding.message}`,
        saw: `${finding.evidence}. ${finding.remedy}`,
      })),
    ]
  },
  rollback: nothingToUndo('it only looks'),
})

const placeOf = ({ node }: Finding): string => (node === undefined ? '' : `${node}: `)
