import type { LoadBalancerKindName } from '../../config/cluster-file.js'
import { external } from './external.js'
import { haproxy } from './haproxy.js'
import type { LoadBalancerKind } from './kind.js'
import { notYetOffered } from './not-yet-offered.js'

/** The kinds of the cluster file's loadBalancer.kind; each lives in its own file. */
export const loadBalancerKinds: Readonly<Record<LoadBalancerKindName, LoadBalancerKind>> = {
  haproxy,
  external,
  'kube-vip': notYetOffered('kube-vip'),
  'node-local': notYetOffered('node-local'),
  service: notYetOffered('service'),
}
