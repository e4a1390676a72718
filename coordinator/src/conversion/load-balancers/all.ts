import type { ClusterFile } from '../../config/cluster-file.js'
import type { LoadBalancerKindName } from '../../config/load-balancer-settings.js'
import type { LoadBalancerKind } from '../context/load-balancer-kind.js'
import { external } from './external.js'
import { haproxy } from './haproxy.js'
import { kubeVip } from './kube-vip.js'
import { nodeLocal } from './node-local.js'
import { service } from './service.js'

/** The kinds of the cluster file's loadBalancer.kind; each lives in its own file. */
const loadBalancerKinds: Readonly<Record<LoadBalancerKindName, LoadBalancerKind>> = {
  haproxy,
  external,
  'kube-vip': kubeVip,
  'node-local': nodeLocal,
  service,
}

/** The kind that a cluster file names. */
export const loadBalancerOf = ({ loadBalancer }: ClusterFile): LoadBalancerKind => loadBalancerKinds[loadBalancer.kind]
