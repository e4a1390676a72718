import { applyApiService } from './apply-api-service.js'
import { applyKubeVip } from './apply-kube-vip.js'
import { applyLoadBalancer } from './apply-load-balancer.js'
import { backUpFiles } from './back-up-files.js'
import { checkJoin } from './check-join.js'
import { createJoinToken } from './create-join-token.js'
import { deleteApiService } from './delete-api-service.js'
import { deleteBackups } from './delete-backups.js'
import { deleteJoinSecrets } from './delete-join-secrets.js'
import { deleteNode } from './delete-node.js'
import { drainNode } from './drain-node.js'
import { findReferences } from './find-references.js'
import { finishJoin } from './finish-join.js'
import { forgetCertificateRequests } from './forget-certificate-requests.js'
import { getCheckpoint } from './get-checkpoint.js'
import { getClusterFacts } from './get-cluster-facts.js'
import { getDenyList } from './get-deny-list.js'
import { getFirewall } from './get-firewall.js'
import { getNodeFacts } from './get-node-facts.js'
import { getSealingKey } from './get-sealing-key.js'
import { getTrustBundle } from './get-trust-bundle.js'
import { handOverLeadership } from './hand-over-leadership.js'
import { holdPorts } from './hold-ports.js'
import { joinControlPlane } from './join-control-plane.js'
import { keepCheckpoint } from './keep-checkpoint.js'
import { keepDenyList } from './keep-deny-list.js'
import { keepTrustBundle } from './keep-trust-bundle.js'
import { leaveApiEndpoints } from './leave-api-endpoints.js'
import { letEtcdListen } from './let-etcd-listen.js'
import { listContainers } from './list-containers.js'
import { listControlPlaneImages } from './list-control-plane-images.js'
import { listEtcdMembers } from './list-etcd-members.js'
import { listImages } from './list-images.js'
import { listSockets } from './list-sockets.js'
import { lookAtPaths } from './look-at-paths.js'
import { measureDisk } from './measure-disk.js'
import { measurePath } from './measure-path.js'
import { offerIdentityKey } from './offer-identity-key.js'
import type { Operations } from './operations.js'
import { placeJoinSecret } from './place-join-secret.js'
import { placeSharedFiles } from './place-shared-files.js'
import { placeSignedCertificates } from './place-signed-certificates.js'
import { probeDiscovery } from './probe-discovery.js'
import { probeEndpoint } from './probe-endpoint.js'
import { probeKubeconfig } from './probe-kubeconfig.js'
import { probeKubelets } from './probe-kubelets.js'
import { promoteEtcdMember } from './promote-etcd-member.js'
import { pullImages } from './pull-images.js'
import { readBackup } from './read-backup.js'
import { regenerateCertificate } from './regenerate-certificate.js'
import { removeEtcdMember } from './remove-etcd-member.js'
import { removeHostsBlock } from './remove-hosts-block.js'
import { removeKubeVip } from './remove-kube-vip.js'
import { renderManifests } from './render-manifests.js'
import { renewIdentity } from './renew-identity.js'
import { requestCertificates } from './request-certificates.js'
import { resetNode } from './reset-node.js'
import { resolveName } from './resolve-name.js'
import { restartKubelet } from './restart-kubelet.js'
import { restartStaticPod } from './restart-static-pod.js'
import { restoreBackup } from './restore-backup.js'
import { restoreLearnerGate } from './restore-learner-gate.js'
import { restorePart } from './restore-part.js'
import { retireApiServer } from './retire-api-server.js'
import { rewriteKubeconfig } from './rewrite-kubeconfig.js'
import { sealSharedFiles } from './seal-shared-files.js'
import { snapshotEtcd } from './snapshot-etcd.js'
import { spreadCoreDns } from './spread-core-dns.js'
import { stopLoadBalancer } from './stop-load-balancer.js'
import { stopPart } from './stop-part.js'
import { testLoadBalancer } from './test-load-balancer.js'
import { tryChanges } from './try-changes.js'
import { updateClusterInfo } from './update-cluster-info.js'
import { updateEtcdMember } from './update-etcd-member.js'
import { updateKubeProxy } from './update-kube-proxy.js'
import { updateKubeadmConfig } from './update-kubeadm-config.js'
import { uploadCertificates } from './upload-certificates.js'
import { useEtcdLearners } from './use-etcd-learners.js'
import { watchAvailability } from './watch-availability.js'
import { writeHostsBlock } from './write-hosts-block.js'

/** Everything that this agent can do, and nothing else: RPC to operation, one file each. */
export const operations: Operations = {
  getNodeFacts,
  getClusterFacts,
  findReferences,
  listEtcdMembers,
  listContainers,
  listImages,
  listControlPlaneImages,
  listSockets,
  resolveName,
  probeEndpoint,
  probeKubeconfig,
  probeDiscovery,
  holdPorts,
  watchAvailability,
  measureDisk,
  measurePath,
  renderManifests,
  checkJoin,
  getSealingKey,
  getCheckpoint,
  keepCheckpoint,
  getDenyList,
  keepDenyList,
  getTrustBundle,
  keepTrustBundle,
  offerIdentityKey,
  renewIdentity,
  readBackup,
  testLoadBalancer,
  getFirewall,
  snapshotEtcd,
  backUpFiles,
  restoreBackup,
  applyLoadBalancer,
  applyApiService,
  deleteApiService,
  stopLoadBalancer,
  applyKubeVip,
  removeKubeVip,
  writeHostsBlock,
  removeHostsBlock,
  regenerateCertificate,
  requestCertificates,
  placeSignedCertificates,
  forgetCertificateRequests,
  deleteBackups,
  updateKubeadmConfig,
  useEtcdLearners,
  restoreLearnerGate,
  updateClusterInfo,
  updateKubeProxy,
  rewriteKubeconfig,
  restartKubelet,
  restartStaticPod,
  sealSharedFiles,
  placeSharedFiles,
  pullImages,
  createJoinToken,
  uploadCertificates,
  deleteJoinSecrets,
  placeJoinSecret,
  joinControlPlane,
  letEtcdListen,
  updateEtcdMember,
  promoteEtcdMember,
  finishJoin,
  handOverLeadership,
  drainNode,
  leaveApiEndpoints,
  retireApiServer,
  resetNode,
  removeEtcdMember,
  deleteNode,
  spreadCoreDns,
  stopPart,
  restorePart,
  lookAtPaths,
  probeKubelets,
  tryChanges,
}
