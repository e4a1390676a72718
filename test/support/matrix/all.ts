import type { Scenario } from './scenario.js'
import { anonymousAuthOff, anonymousHealth, anonymousProbes } from './scenarios/anonymous-auth.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { handMadeNames, otherApiPort, otherNodeNames } from './scenarios/networks.js'
import { sharedFiles } from './scenarios/shared-files.js'
import { textbook } from './scenarios/textbook.js'
import { strangeLink, userKubeconfigs } from './scenarios/user-kubeconfigs.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  lbHosts,
  lbNodeLocal,
  etcdStranger,
  anonymousAuthOff,
  anonymousHealth,
  anonymousProbes,
  otherApiPort,
  otherNodeNames,
  sharedFiles,
  handMadeNames,
  userKubeconfigs,
  strangeLink,
]
