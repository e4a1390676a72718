import type { Finding } from '../context/finding.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'agent-certificates'

/** Renewals begin when a third of the 90 days is left: with less than this, they have failed for two weeks. */
const leastDays = 15
const dayMs = 24 * 60 * 60_000

/** An agent whose certificate ends is reached by no command: neither `resume` nor `rollback`. */
export const agentCertificates: Check = {
  id,
  title: 'Certificates of the agents are valid for longer than two weeks',
  beside: 'The certificates by which Quorate and its agents know each other. This concerns Quorate only.',
  async check(run) {
    const read = await withFacts(run, run.machines)
    return read.flatMap(({ node, facts }): readonly Finding[] => {
      const until = facts.agentCertificateUntilUnixMs
      // Agents of earlier versions do not say it.
      if (until === 0 || until - facts.clockUnixMs >= leastDays * dayMs) return []
      const ends = new Date(until).toISOString()
      return [
        {
          ...{ id, severity: 'warning', node: node.name },
          message: 'the certificate of its agent ends soon: no command reaches the node after that',
          evidence: `valid until ${ends}`,
          remedy: `quorate renew ${node.name} --early`,
        },
      ]
    })
  },
}
