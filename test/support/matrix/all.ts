import type { Scenario } from './scenario.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [textbook, etcdStranger]
