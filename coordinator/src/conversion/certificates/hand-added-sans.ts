import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import { canonicalAddress } from '@quorate/shared/pki'
import { firstServiceAddresses } from '@quorate/shared/service-addresses'
import type { ConversionRun } from '../context/run.js'
import { apiserverCertificate, localPeer, wantedSans } from '../endpoint/servers.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'

/**
 * Names and addresses that the first control plane's certificate has and that kubeadm would not give it: the operator reissued it with them. Only
 * as certSANs are they also in the certificates of joiners and in later ones (kubeadm-certs, GetAPIServerAltNames).
 */
async function handAddedSans(run: ConversionRun): Promise<readonly string[]> {
  const facts = await run.nodeFacts(run.first)
  const configuration = await clusterConfiguration(run)
  const shown = apiserverCertificate(facts)?.sans ?? []
  if (configuration === undefined) return []
  const services = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc']
  const ownOfKubeadm = [
    ...[run.first.name, facts.hostname, localPeer(run.first, facts).address, ...services],
    `kubernetes.default.svc.${configuration.dnsDomain}`,
    ...firstServiceAddresses(configuration.serviceSubnet),
  ].map(canonicalAddress)
  return shown.filter((san) => !ownOfKubeadm.includes(canonicalAddress(san)))
}

/** What kubeadm-config's certSANs must have besides their present names: the endpoint's names, and those that the operator added to the certificate. */
async function wantedCertSans(run: ConversionRun): Promise<string[]> {
  return [...new Set([...wantedSans(run), ...(await handAddedSans(run))])]
}

/** kubeadm adds the endpoint's name to certificates by itself: a replaced name is missing in those of joiners unless it is in certSANs. */
export async function certSansOf(run: ConversionRun, before: string): Promise<string[]> {
  const { controlPlaneEndpoint = '' } = readClusterConfiguration(before)
  const replaced = controlPlaneEndpoint.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  const wanted = await wantedCertSans(run)
  return [...new Set(replaced === '' || replaced === run.endpoint.host ? wanted : [...wanted, replaced])]
}
