import type { Scenario } from './scenario.js'
import { anonymousAuthOff, anonymousHealth, anonymousProbes } from './scenarios/anonymous-auth.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { handMadeNames, otherApiPort, otherNodeNames } from './scenarios/networks.js'
import { sharedFiles } from './scenarios/shared-files.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  etcdStranger,
  anonymousAuthOff,
  anonymousHealth,
  anonymousProbes,
  otherApiPort,
  otherNodeNames,
  sharedFiles,
  handMadeNames,
]
