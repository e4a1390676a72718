import type { LoadBalancerKindName } from '../../config/load-balancer-settings.js'
import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { external } from './external.js'
import { haproxy } from './haproxy.js'
import { kubeVip } from './kube-vip.js'
import { nodeLocal } from './node-local.js'
import { service } from './service.js'

/** The kinds of the cluster file's loadBalancer.kind; each lives in its own file. */
const loadBalancerKinds: Readonly<Record<LoadBalancerKindName, (run: ConversionRun) => LoadBalancer>> = {
  haproxy,
  external,
  'kube-vip': kubeVip,
  'node-local': nodeLocal,
  service,
}

/** The load balancer of a run: of the kind that its cluster file names. */
export const loadBalancerFor = (run: ConversionRun): LoadBalancer => loadBalancerKinds[run.file.loadBalancer.kind](run)
