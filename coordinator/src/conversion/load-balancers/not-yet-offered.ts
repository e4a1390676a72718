import { QuorateError } from '@quorate/shared/errors'
import type { LoadBalancerKindName } from '../../config/load-balancer-settings.js'
import type { LoadBalancerKind } from './kind.js'

/** A kind that the cluster file may name and this version does not have: a finding before anything is changed. */
export function notYetOffered(name: LoadBalancerKindName): LoadBalancerKind {
  const refuse = async (): Promise<never> => {
    throw new QuorateError('CLUSTER_FILE_INVALID', `this version of Quorate has no load balancer of kind ${name}`, {
      remedy: 'Choose haproxy, or external for one that you run yourself.',
    })
  }
  return {
    name,
    runBy: 'cluster',
    units: [],
    inspect: '',
    frontends: () => [],
    address: () => undefined,
    movingAddress: () => undefined,
    hostsAddress: () => undefined,
    sans: () => [],
    check: async () => [
      {
        id: 'load-balancer',
        severity: 'error',
        message: `this version of Quorate has no load balancer of kind ${name}`,
        evidence: `loadBalancer.kind: ${name}`,
        remedy: 'Choose haproxy, or external for one that you run yourself.',
      },
    ],
    plan: async () => [],
    apply: refuse,
    setBackends: refuse,
    proveBackends: refuse,
    undo: refuse,
  }
}
