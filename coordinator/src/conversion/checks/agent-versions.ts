import type { Finding } from '../context/finding.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'agent-versions'

/** Agents of one fleet are updated together: facts of another schema would be misread silently. */
export const agentVersions: Check = {
  id,
  title: 'All agents have the same version',
  beside: 'Agents of different versions may behave differently. This concerns Quorate only.',
  async check(run) {
    const first = await run.nodeFacts(run.first)
    const others = await withFacts(run, run.machines)
    return others
      .filter(({ facts }) => facts.agentVersion !== first.agentVersion || facts.schemaVersion !== first.schemaVersion)
      .map(
        ({ node, facts }): Finding => ({
          id,
          severity: facts.schemaVersion === first.schemaVersion ? 'warning' : 'error',
          node: node.name,
          message: `quorate-agent is ${facts.agentVersion}, on ${run.first.name} it is ${first.agentVersion}`,
          evidence: `agent ${facts.agentVersion}, facts schema ${facts.schemaVersion}; first control plane: agent ${first.agentVersion}, schema ${first.schemaVersion}`,
          remedy: 'Install the same /usr/bin/quorate-agent on every node, then: systemctl restart quorate-agent',
        }),
      )
  },
}
