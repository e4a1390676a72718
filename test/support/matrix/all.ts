import type { Scenario } from './scenario.js'
import { etcdExternal } from './scenarios/etcd-external.js'
import { etcdExternalSingle } from './scenarios/etcd-external-single.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { lbServiceForced, lbServiceNodePort } from './scenarios/lb-service.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  lbHosts,
  lbNodeLocal,
  lbServiceNodePort,
  lbServiceForced,
  etcdExternal,
  etcdExternalSingle,
  etcdStranger,
]
