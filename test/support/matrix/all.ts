import type { Scenario } from './scenario.js'
import { endpointBefore, endpointReplaced, joinedByHand } from './scenarios/endpoint-before.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { fiveControlPlanes, threeToFive } from './scenarios/five-control-planes.js'
import { kubeProxyModes } from './scenarios/kube-proxy.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { strayManifest, stuckLearner } from './scenarios/left-behind.js'
import { networkPlugins } from './scenarios/network-plugins.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  fiveControlPlanes,
  threeToFive,
  endpointBefore,
  endpointReplaced,
  joinedByHand,
  lbHosts,
  lbNodeLocal,
  etcdStranger,
  stuckLearner,
  strayManifest,
  ...kubeProxyModes,
  ...networkPlugins,
]
