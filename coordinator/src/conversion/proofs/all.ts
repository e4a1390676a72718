import type { Proof } from '../context/proof.js'
import { apiEndpoints } from './api-endpoints.js'
import { apiserverCertificates } from './apiserver-certificates.js'
import { certificateExpiry } from './certificate-expiry.js'
import { certificateNames } from './certificate-names.js'
import { clusterInfo } from './cluster-info.js'
import { controlPlanesAlike } from './control-planes-alike.js'
import { coredns } from './coredns.js'
import { diskLatencyProof } from './disk-latency.js'
import { endpointAnswers } from './endpoint-answers.js'
import { endpointName } from './endpoint-name.js'
import { etcd } from './etcd.js'
import { etcdAddresses } from './etcd-addresses.js'
import { etcdTopology } from './etcd-topology.js'
import { hairpinProof } from './hairpin.js'
import { kubeProxy } from './kube-proxy.js'
import { kubeadmConfig } from './kubeadm-config.js'
import { kubeconfigs } from './kubeconfigs.js'
import { kubeletSockets } from './kubelet-sockets.js'
import { kubeletsReachedProof } from './kubelets-reached.js'
import { leases } from './leases.js'
import { loadBalancer } from './load-balancer.js'
import { mtuProof } from './mtu.js'
import { nodesReady } from './nodes-ready.js'
import { oldAddress } from './old-address.js'
import { separateMachines } from './separate-machines.js'
import { virtualIp } from './virtual-ip.js'

/** What makes a cluster highly available, each observed on the live cluster. `quorate verify` and the step prove-ha make them all. */
export const allProofs: readonly Proof[] = [
  endpointName,
  endpointAnswers,
  apiserverCertificates,
  certificateNames,
  certificateExpiry,
  loadBalancer,
  virtualIp,
  separateMachines,
  etcd,
  etcdAddresses,
  etcdTopology,
  leases,
  nodesReady,
  controlPlanesAlike,
  apiEndpoints,
  kubeadmConfig,
  clusterInfo,
  kubeProxy,
  kubeconfigs,
  kubeletSockets,
  coredns,
  oldAddress,
  hairpinProof,
  diskLatencyProof,
  mtuProof,
  kubeletsReachedProof,
]

/** Proofs that no step can make hold; checks of the same ids warn of them in the plan. */
export const outsideProofs: ReadonlySet<string> = new Set(
  allProofs.filter(({ outside }) => outside === true).map(({ id }) => id),
)
