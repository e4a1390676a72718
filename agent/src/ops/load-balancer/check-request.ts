import { QuorateError } from '@quorate/shared/errors'
import type { LoadBalancerWish } from './render-files.js'

/** Errors that no single file shows; values for the files are checked where the files are rendered. */
export function checkLoadBalancerRequest(request: LoadBalancerWish): void {
  const { port, virtualIp, backends, peers, ownAddress, bindAddress } = request
  if (backends.length === 0) throw refused('no backend is named: every connection would be accepted and closed')
  const own = bindAddress === '' ? ownAddress : bindAddress
  if (backends.some((backend) => backend.address === own && backend.port === port)) {
    throw refused(`it would be its own backend on port ${port}`)
  }
  if (virtualIp !== '' && !peers.includes(ownAddress)) throw refused(`${ownAddress} is not among its peers`)
}

const refused = (what: string): QuorateError => new QuorateError('INVALID_REQUEST', `load balancer: ${what}`)
