import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import type { Finding } from '../context/finding.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'readable-texts'

/** A fact that is empty because it could not be read must not count as absent. */
export const readableTexts: Check = {
  id,
  title: 'The agents can read all files that the checks need',
  beside: 'A file that the agent could not read is not a failure of the cluster, but it must not make a check pass.',
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }) => ofNode(name, facts))
  },
}

/** A folder that is refused leaves several facts unread, and what a joiner has left over is no member's: both have their own checks. */
function ofNode(node: string, facts: NodeFacts): readonly Finding[] {
  const leftOver = facts.leftovers.includes(usualKubelet.config)
  const unread = facts.unread.filter(
    ({ problem, needed }) => problem !== foldersOf(facts).problem && !(needed && leftOver),
  )
  return unread.map(({ what, problem, remedy, needed }) => ({
    ...{ id, node, severity: needed ? 'error' : 'warning' },
    message: `the agent could not read ${what}: ${needed ? 'the node needs it' : 'checks that depend on it were skipped'}`,
    evidence: problem,
    remedy: remedy || 'On that node: journalctl -u quorate-agent -n 50',
  }))
}
