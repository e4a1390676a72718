import { addresses } from './addresses.js'
import { adminKubeconfig } from './admin-kubeconfig.js'
import { admission } from './admission.js'
import { agentCertificates } from './agent-certificates.js'
import { agentVersions } from './agent-versions.js'
import { alreadyHighlyAvailable } from './already-highly-available.js'
import { anonymousAuth } from './anonymous-auth.js'
import { apiEndpoints } from './api-endpoints.js'
import { apparmor } from './apparmor.js'
import { bootstrapSigner } from './bootstrap-signer.js'
import { caKey } from './ca-key.js'
import { certificateExpiry } from './certificate-expiry.js'
import { cgroupDriver } from './cgroup-driver.js'
import { cgroups } from './cgroups.js'
import type { Check } from './check.js'
import { clocks } from './clocks.js'
import { cloudInitHosts } from './cloud-init-hosts.js'
import { cloudProvider } from './cloud-provider.js'
import { clusterCa } from './cluster-ca.js'
import { clusterFolders } from './cluster-folders.js'
import { clusterStatus } from './cluster-status.js'
import { containerRuntime } from './container-runtime.js'
import { controlPlaneImages } from './control-plane-images.js'
import { controlPlaneTaints } from './control-plane-taints.js'
import { controlPlanesAlike } from './control-planes-alike.js'
import { coredns } from './coredns.js'
import { crictl } from './crictl.js'
import { disk } from './disk.js'
import { diskLatencyCheck } from './disk-latency.js'
import { duplicateIdentity } from './duplicate-identity.js'
import { endpointOutsideCluster } from './endpoint-outside-cluster.js'
import { endpointReplaced } from './endpoint-replaced.js'
import { endpointResolves } from './endpoint-resolves.js'
import { etcdAddresses } from './etcd-addresses.js'
import { etcdAuthentication } from './etcd-authentication.js'
import { etcdHealth } from './etcd-health.js'
import { etcdLearnerFixes } from './etcd-learner-fixes.js'
import { etcdLearnerMode } from './etcd-learner-mode.js'
import { etcdSize } from './etcd-size.js'
import { etcdTopology } from './etcd-topology.js'
import { featureGates } from './feature-gates.js'
import { firewall } from './firewall.js'
import { hairpin } from './hairpin.js'
import { idleTimeouts } from './idle-timeouts.js'
import { joinPermissions } from './join-permissions.js'
import { joinersClean } from './joiners-clean.js'
import { kernelNetwork } from './kernel-network.js'
import { kubeProxy } from './kube-proxy.js'
import { kubeProxyAbsent } from './kube-proxy-absent.js'
import { kubeadmConfigApi } from './kubeadm-config-api.js'
import { kubeadmConfigVersion } from './kubeadm-config-version.js'
import { kubeconfigs } from './kubeconfigs.js'
import { kubeletFlags } from './kubelet-flags.js'
import { kubeletKubeconfig } from './kubelet-kubeconfig.js'
import { kubeletService } from './kubelet-service.js'
import { kubeletServingCertificates } from './kubelet-serving-certificates.js'
import { kubeletsReached } from './kubelets-reached.js'
import { kubernetesRelease } from './kubernetes-release.js'
import { kubernetesVersions } from './kubernetes-versions.js'
import { leases } from './leases.js'
import { loadBalancer } from './load-balancer.js'
import { mtu } from './mtu.js'
import { names } from './names.js'
import { nodeLabels } from './node-labels.js'
import { nodePressure } from './node-pressure.js'
import { nodesReady } from './nodes-ready.js'
import { notKubeadm } from './not-kubeadm.js'
import { oldAddressUsersCheck } from './old-address-users.js'
import { packageHolds } from './package-holds.js'
import { plannedOutage } from './planned-outage.js'
import { ports } from './ports.js'
import { programVersions } from './program-versions.js'
import { proxies } from './proxies.js'
import { reachability } from './reachability.js'
import { readableConfigMaps } from './readable-config-maps.js'
import { readableTexts } from './readable-texts.js'
import { resources } from './resources.js'
import { selinux } from './selinux.js'
import { servingCertificate } from './serving-certificate.js'
import { sharedComponentConfig } from './shared-component-config.js'
import { sharedExtraArgs } from './shared-extra-args.js'
import { sharedFiles } from './shared-files.js'
import { staticPodsRun } from './static-pods-run.js'
import { strayManifests } from './stray-manifests.js'
import { swap } from './swap.js'
import { virtualIpInCloud } from './virtual-ip-in-cloud.js'
import { virtualIpUnused } from './virtual-ip-unused.js'
import { virtualRouterId } from './virtual-router-id.js'
import { workersForgotten } from './workers-forgotten.js'

/** Every check, in the order in which the operator reads the findings: the kind of cluster, its state, the joiners, the load balancer. */
export const allChecks = [
  notKubeadm,
  adminKubeconfig,
  readableConfigMaps,
  readableTexts,
  alreadyHighlyAvailable,
  etcdTopology,
  caKey,
  anonymousAuth,
  joinPermissions,
  bootstrapSigner,
  clusterCa,
  kubeProxyAbsent,
  agentVersions,
  agentCertificates,
  clocks,
  names,
  addresses,
  duplicateIdentity,
  workersForgotten,
  nodesReady,
  nodePressure,
  leases,
  kubeProxy,
  coredns,
  apiEndpoints,
  kubernetesRelease,
  kubernetesVersions,
  kubeadmConfigApi,
  packageHolds,
  etcdHealth,
  etcdAuthentication,
  etcdAddresses,
  certificateExpiry,
  servingCertificate,
  kubeconfigs,
  kubeletKubeconfig,
  strayManifests,
  staticPodsRun,
  clusterFolders,
  clusterStatus,
  featureGates,
  sharedExtraArgs,
  controlPlanesAlike,
  kubeadmConfigVersion,
  sharedComponentConfig,
  endpointReplaced,
  disk,
  diskLatencyCheck,
  joinersClean,
  containerRuntime,
  controlPlaneImages,
  crictl,
  cgroups,
  cgroupDriver,
  kernelNetwork,
  swap,
  resources,
  kubeletService,
  kubeletFlags,
  kubeletServingCertificates,
  kubeletsReached,
  cloudProvider,
  controlPlaneTaints,
  nodeLabels,
  programVersions,
  selinux,
  firewall,
  apparmor,
  ports,
  proxies,
  reachability,
  mtu,
  sharedFiles,
  etcdLearnerMode,
  etcdLearnerFixes,
  etcdSize,
  plannedOutage,
  loadBalancer,
  virtualIpInCloud,
  idleTimeouts,
  virtualIpUnused,
  virtualRouterId,
  endpointResolves,
  cloudInitHosts,
  endpointOutsideCluster,
  hairpin,
  oldAddressUsersCheck,
  admission,
] as const satisfies readonly Check[]
