import type { Scenario } from './scenario.js'
import { endpointBefore, endpointReplaced, joinedByHand } from './scenarios/endpoint-before.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { fiveControlPlanes, threeToFive } from './scenarios/five-control-planes.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  etcdStranger,
  fiveControlPlanes,
  threeToFive,
  endpointBefore,
  endpointReplaced,
  joinedByHand,
]
