import type { Scenario } from './scenario.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { lbServiceForced, lbServiceNodePort } from './scenarios/lb-service.js'
import { textbook } from './scenarios/textbook.js'
import { versionTooOld } from './scenarios/version-too-old.js'
import { versions } from './scenarios/versions.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  lbHosts,
  lbNodeLocal,
  lbServiceNodePort,
  lbServiceForced,
  etcdStranger,
  versions,
  versionTooOld,
]
