import type { Scenario } from './scenario.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbKubeVip, lbKubeVipBgp } from './scenarios/lb-kube-vip.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { textbook } from './scenarios/textbook.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [textbook, lbHosts, lbNodeLocal, lbKubeVip, lbKubeVipBgp, etcdStranger]
