import type { Scenario } from './scenario.js'
import { afterwards } from './scenarios/afterwards.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [textbook, lbHosts, lbNodeLocal, etcdStranger, afterwards]
