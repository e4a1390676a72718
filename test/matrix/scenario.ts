import type { Test } from 'tap'

/** One trial of a scenario: on which releases, and what is tried and asserted there. */
interface Trial {
  /** Releases such as `v1.37.2`; the first is the one of every run, where the scenario is in every run at all. */
  readonly versions: readonly string[]
  try(t: Test, version: string): Promise<void>
}

/** One kind of cluster that people have, and what Quorate makes of it. docs/compatibility.md is generated from the list of them. */
export interface Scenario {
  /** `other-api-port`: names it on the command line (`QUORATE_SCENARIOS=other-api-port npm run test:matrix`) and in the results. */
  readonly id: string
  /** What is special about such a cluster, as the page has it. */
  readonly title: string
  readonly group: 'load balancer' | 'etcd' | 'version' | 'control plane' | 'nodes' | 'network' | 'afterwards'
  /** What becomes of it; one that is refused is refused before a byte is changed. */
  readonly outcome: 'converted' | 'refused'
  /** What its owner should know, or why it is refused: one sentence. */
  readonly note: string
  readonly simulated?: Trial
  readonly real?: Trial
  /** Tried in each run of CI, on the first release of each trial; the others in `npm run test:matrix` alone. */
  readonly everyRun?: true
}
