import { formatEndpoint, isIpAddress } from '@quorate/shared/names'
import { canonicalAddress } from '@quorate/shared/pki'
import { acceptsEndpoint } from '../../config/cluster-file-rules.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import type { Check } from './check.js'

const id = 'endpoint-replaced'

/** Many clusters with one control plane were created with an endpoint; clients may depend on the old name. */
export const endpointReplaced: Check = {
  id,
  title: 'An existing endpoint is not replaced unnoticed',
  beside: 'Clients may depend on the endpoint that the cluster has.',
  async check(run) {
    const present = (await clusterConfiguration(run))?.controlPlaneEndpoint
    if (present === undefined || present === '' || present === formatEndpoint(run.endpoint)) return []
    const host = hostOf(present)
    if (host === run.first.address) return [ofFirst(run, present)]
    return [
      {
        id,
        severity: 'warning',
        message: `the cluster has the endpoint ${present}, which the conversion replaces by ${formatEndpoint(run.endpoint)}`,
        evidence: `kubeadm-config: controlPlaneEndpoint: ${present}`,
        remedy: isIpAddress(host) ? ofAddress(run, host) : ofName(run, present),
      },
    ]
  },
}

/** `name`, `name:port`, `address`, `[address]:port`: kubeadm takes each (app/util/endpoint.go, ParseHostPort). */
const hostOf = (endpoint: string): string =>
  canonicalAddress(isIpAddress(endpoint) ? endpoint : endpoint.replace(/:\d*$/, '').replace(/^\[|\]$/g, ''))

/** Treated as if there were none: what names it is rewritten, and its own address keeps serving it. */
const ofFirst = (run: ConversionRun, present: string): Finding => ({
  id,
  severity: 'info',
  message: `the cluster's endpoint is the first control plane's own address; the conversion replaces it by ${formatEndpoint(run.endpoint)}`,
  evidence: `kubeadm-config: controlPlaneEndpoint: ${present}`,
  remedy: `Nothing to do in the cluster. Kubeconfigs elsewhere that name ${present} work as long as ${run.first.name} does: kubectl config set-cluster NAME --server=https://${formatEndpoint(run.endpoint)}`,
})

/** The address of a load balancer: it keeps serving it, and the new name can resolve to it. */
const ofAddress = (run: ConversionRun, host: string): string =>
  `Quorate uses a name as the endpoint, because a name can move. Keep ${host} routed to the API servers for clients that have it in their kubeconfigs (it stays in the certificate). To keep the load balancer at that address, resolve ${run.endpoint.host} to ${host} in DNS, and write loadBalancer: {kind: external} in the cluster file.`

function ofName(run: ConversionRun, present: string): string {
  const keep = 'Keep the old name working for clients that have it in their kubeconfigs (it stays in the certificate)'
  const host = hostOf(present)
  const port = /:(\d+)$/.exec(present)?.[1] ?? 6443
  // With haproxy on the control planes the port of the API server is taken.
  const written = [`${host}:${port}`, `${host}:${run.endpoint.port}`].find((one) => acceptsEndpoint(run.file, one))
  return written === undefined ? `${keep}.` : `${keep}, or write endpoint: ${written} in the cluster file.`
}
