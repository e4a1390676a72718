import { QuorateError } from '@quorate/shared/errors'
import { nothingToUndo } from '../../engine/step.js'
import { joinedSincePlan } from '../checks/joined-since-plan.js'
import type { Finding } from '../context/finding.js'
import { defineStep } from '../context/step.js'
import { oldAddressFindings } from '../endpoint/old-address.js'
import { toJoin } from '../facts/membership.js'

export const scanForOldAddress = defineStep({
  id: 'scan-for-old-address',
  title: "Scan for remaining uses of the first control plane's address",
  gate: 'Nothing that the cluster depends on names it, except its own local files; other uses are reported with their remedy.',
  undo: 'None needed: it only reads.',
  width: 1,
  foreseen: [{ asks: 'nothing that depends on the old address', checks: ['old-address-users'] }],
  onResume: 'renewed',
  async plan(run) {
    const joined = (await toJoin(run)).length === 0
    if (joined && (await oldAddressFindings(run)).every(({ severity }) => severity !== 'error')) return []
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `search the API objects and every node's files for ${run.first.address}`,
        diffs: [],
      },
    ]
  },
  async apply() {
    // It only reads: all is in the gate.
  },
  async verify(run) {
    const findings = [...(await joinedSincePlan(run)), ...(await oldAddressFindings(run))]
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
        what: `${run.first.address} in API objects and in files of ${run.nodes.length} nodes`,
        saw: findings.length === 0 ? 'only in its own local files' : 'nowhere that the cluster depends on',
      },
      ...findings.map((finding) => ({
        what: `${placeOf(finding)}${finding.message}`,
        saw: `${finding.evidence}. ${finding.remedy}`,
      })),
    ]
  },
  rollback: nothingToUndo('it only reads'),
})

const placeOf = ({ node }: Finding): string => (node === undefined ? '' : `${node}: `)
