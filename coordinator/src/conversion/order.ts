import type { ConversionStep } from './context/step.js'
import { backUpFiles } from './steps/back-up-files.js'
import { finish } from './steps/finish.js'
import { joinControlPlanes } from './steps/join-control-planes.js'
import { letEtcdListen } from './steps/let-etcd-listen.js'
import { prepareJoining } from './steps/prepare-joining.js'
import { proveHa } from './steps/prove-ha.js'
import { publishEndpointName } from './steps/publish-endpoint-name.js'
import { regenerateApiserverCertificate } from './steps/regenerate-apiserver-certificate.js'
import { requestCertificates } from './steps/request-certificates.js'
import { restoreLearnerGate } from './steps/restore-learner-gate.js'
import { rewriteAdminKubeconfigs } from './steps/rewrite-admin-kubeconfigs.js'
import { rewriteControlPlaneKubeconfigs } from './steps/rewrite-control-plane-kubeconfigs.js'
import { rewriteFirstKubelet } from './steps/rewrite-first-kubelet.js'
import { rewriteWorkerKubeconfigs } from './steps/rewrite-worker-kubeconfigs.js'
import { scanForOldAddress } from './steps/scan-for-old-address.js'
import { snapshotEtcd } from './steps/snapshot-etcd.js'
import { startLoadBalancer } from './steps/start-load-balancer.js'
import { takeSignedCertificates } from './steps/take-signed-certificates.js'
import { updateClusterInfo } from './steps/update-cluster-info.js'
import { updateKubeProxy } from './steps/update-kube-proxy.js'
import { updateKubeadmConfig } from './steps/update-kubeadm-config.js'
import { uploadCertificates } from './steps/upload-certificates.js'
import { useEtcdLearners } from './steps/use-etcd-learners.js'

/** THE ORDER: how a cluster with one control plane becomes a highly available one. docs/order.md is generated from it. */
export const conversionOrder = [
  requestCertificates,
  takeSignedCertificates,
  snapshotEtcd,
  backUpFiles,
  letEtcdListen,
  startLoadBalancer,
  publishEndpointName,
  regenerateApiserverCertificate,
  updateKubeadmConfig,
  rewriteFirstKubelet,
  rewriteControlPlaneKubeconfigs,
  rewriteAdminKubeconfigs,
  updateKubeProxy,
  rewriteWorkerKubeconfigs,
  updateClusterInfo,
  scanForOldAddress,
  useEtcdLearners,
  prepareJoining,
  uploadCertificates,
  joinControlPlanes,
  restoreLearnerGate,
  finish,
  proveHa,
] as const satisfies readonly ConversionStep[]
