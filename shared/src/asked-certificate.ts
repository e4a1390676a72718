import { readCertificateRequest } from './certificate-request.js'
import { readClusterConfiguration } from './cluster-config-map.js'
import type { LeafCertificate } from './kubeadm-certificates.js'
import { isCertificateName, isIpAddress } from './names.js'
import { canonicalAddress } from './pki.js'
import { firstServiceAddresses } from './service-addresses.js'
import { clusterTexts } from './text-place.js'
import { holds } from './version-rules.js'
import { readYaml, valueAt } from './yaml-text.js'

/** What kubeadm was told when it made requests. */
export interface RequestBasis {
  readonly clusterConfiguration: string
  readonly nodeName: string
  readonly advertiseAddress: string
}

/** What a request must say. */
interface AskedCertificate {
  readonly commonName: string
  /** Each of them may be its O; empty: none. */
  readonly organizations: readonly string[]
  /** Exactly these, in any order. */
  readonly sans: readonly string[]
}

/**
 * Everything in which a request is not what kubeadm makes of that basis (app/phases/certs/certlist.go, app/phases/kubeconfig): a node could ask for more
 * power or other names than its own. Throws CERTIFICATE_INVALID where it cannot be read.
 */
export function requestProblems(csr: string, leaf: LeafCertificate, basis: RequestBasis): readonly string[] {
  const [found, asked] = [readCertificateRequest(csr), askedOf(leaf.name, basis)]
  const known = (list: readonly string[]): Set<string> => new Set(list.map(canonicalAddress))
  const [has, wanted] = [known(found.sans), known(asked.sans)]
  const lacking = [...wanted].filter((san) => !has.has(san))
  const foreign = [...has].filter((san) => !wanted.has(san))
  const organizations = found.organizations.filter((one) => !asked.organizations.includes(one))
  const problems = [
    found.commonName === asked.commonName ? '' : `its CN is ${found.commonName}, not ${asked.commonName}`,
    organizations.length === 0 ? '' : `it asks for O=${organizations.join(', O=')}`,
    lacking.length === 0 ? '' : `it lacks ${lacking.join(', ')}`,
    foreign.length === 0 ? '' : `it asks for ${foreign.join(', ')}`,
  ]
  return problems.filter((problem) => problem !== '')
}

/** Groups that administrators and the API server as a client of kubelets have had, by release. */
const adminsOf = (version: string): string[] => [
  'kubeadm:cluster-admins',
  ...(holds('super-admin', version) ? [] : ['system:masters']),
]
/** etcd asks for no group; kubeadm's old releases wrote one. */
const ofEtcd = ['system:masters']

function askedOf(name: string, basis: RequestBasis): AskedCertificate {
  const { nodeName, clusterConfiguration } = basis
  const { kubernetesVersion } = readClusterConfiguration(clusterConfiguration)
  const client = (commonName: string, organizations: readonly string[] = []): AskedCertificate => ({
    commonName,
    organizations,
    sans: [],
  })
  const admins = adminsOf(kubernetesVersion)
  const table: Readonly<Record<string, AskedCertificate>> = {
    apiserver: { ...client('kube-apiserver'), sans: apiServerNames(basis) },
    'apiserver-kubelet-client': client('kube-apiserver-kubelet-client', [...admins, 'system:kubelet-api-admin']),
    'admin.conf': client('kubernetes-admin', admins),
    'controller-manager.conf': client('system:kube-controller-manager'),
    'scheduler.conf': client('system:kube-scheduler'),
    'kubelet.conf': client(`system:node:${nodeName}`, ['system:nodes']),
    'front-proxy-client': client('front-proxy-client'),
    'apiserver-etcd-client': client('kube-apiserver-etcd-client', ofEtcd),
    'etcd-healthcheck-client': client('kube-etcd-healthcheck-client', ofEtcd),
    'etcd-server': { ...client(nodeName), sans: memberNames(basis, 'serverCertSANs') },
    'etcd-peer': { ...client(nodeName), sans: memberNames(basis, 'peerCertSANs') },
  }
  const asked = table[name]
  if (asked === undefined) throw new Error(`no request is known for the certificate ${name}`)
  return asked
}

/** kubeadm warns about what is neither, and leaves it out (appendSANsToAltNames). */
const usable = (names: readonly string[]): string[] =>
  names.filter((name) => isIpAddress(name) || isCertificateName(name))

/** kubeadm's GetAPIServerAltNames. */
function apiServerNames({ clusterConfiguration, nodeName, advertiseAddress }: RequestBasis): string[] {
  const {
    controlPlaneEndpoint = '',
    certSans,
    dnsDomain,
    serviceSubnet,
  } = readClusterConfiguration(clusterConfiguration)
  const host = controlPlaneEndpoint.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return [
    ...[nodeName, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${dnsDomain}`],
    ...[...firstServiceAddresses(serviceSubnet).slice(0, 1), advertiseAddress],
    ...usable([host, ...certSans]),
  ]
}

/** kubeadm's GetEtcdAltNames and GetEtcdPeerAltNames. */
function memberNames({ clusterConfiguration, nodeName, advertiseAddress }: RequestBasis, key: string): string[] {
  const { value } = readYaml(clusterConfiguration, 'CONFIG_MAP_INVALID', clusterTexts.clusterConfiguration)
  const added = valueAt(value, ['etcd', 'local', key])
  const names = Array.isArray(added) ? added.map(String) : []
  return [nodeName, 'localhost', advertiseAddress, '127.0.0.1', '::1', ...usable(names)]
}
