import { factsSchema, type Skew, skewOf } from '@quorate/shared/release'
import { version } from '@quorate/shared/version'
import type { Finding, Severity } from '../context/finding.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'agent-versions'

const severities: Readonly<Record<Exclude<Skew, 'same'>, Severity>> = {
  'another-build': 'warning',
  before: 'warning',
  'too-old': 'error',
  newer: 'error',
  unknown: 'error',
}

/** A newer agent may mean something else by the same words, an older one may not know words that a step needs. */
export const agentVersions: Check = {
  id,
  title: "Agents have the coordinator's release or the one before",
  beside: 'Agents of different releases may behave differently. This concerns Quorate only.',
  async check(run) {
    const nodes = await withFacts(run, run.machines)
    return nodes.flatMap(({ name, facts: { agentVersion, schemaVersion } }): readonly Finding[] => {
      const skew = skewOf(agentVersion)
      const readable = schemaVersion === factsSchema
      if (skew === 'same' && readable) return []
      const deploy = `quorate deploy -f cluster.yaml --limit ${name}`
      return [
        {
          ...{ id, severity: skew === 'same' || !readable ? 'error' : severities[skew], node: name },
          message: `quorate-agent is ${agentVersion}, this quorate is ${version}`,
          evidence: `agent ${agentVersion}, facts schema ${schemaVersion}; coordinator ${version}, facts schema ${factsSchema}`,
          remedy:
            skew === 'newer'
              ? `Use quorate ${agentVersion} on this machine, or put its own agent there: ${deploy}`
              : deploy,
        },
      ]
    })
  },
}
