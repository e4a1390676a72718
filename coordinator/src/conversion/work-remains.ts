import { toJoin } from './membership.js'
import { oldAddressFindings } from './old-address.js'
import type { ConversionRun, ConversionStep } from './run.js'
import { joinControlPlanes } from './steps/join-control-planes.js'
import { publishEndpointName } from './steps/publish-endpoint-name.js'
import { regenerateApiserverCertificate } from './steps/regenerate-apiserver-certificate.js'
import { rewriteAdminKubeconfigs } from './steps/rewrite-admin-kubeconfigs.js'
import { rewriteControlPlaneKubeconfigs } from './steps/rewrite-control-plane-kubeconfigs.js'
import { rewriteFirstKubelet } from './steps/rewrite-first-kubelet.js'
import { rewriteWorkerKubeconfigs } from './steps/rewrite-worker-kubeconfigs.js'
import { startLoadBalancer } from './steps/start-load-balancer.js'
import { updateClusterInfo } from './steps/update-cluster-info.js'
import { updateKubeProxy } from './steps/update-kube-proxy.js'
import { updateKubeadmConfig } from './steps/update-kubeadm-config.js'

/** The steps that change what a cluster is: those that a backup is made for. */
const changingSteps: readonly ConversionStep[] = [
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
  joinControlPlanes,
]

/** Whether anything is left to convert; on a converted cluster a backup would only grow the state folder. */
export async function workRemains(run: ConversionRun): Promise<boolean> {
  if ((await toJoin(run)).length > 0) return true
  const plans = await Promise.all(changingSteps.map((step) => step.plan(run)))
  return plans.some((actions) => actions.length > 0) || (await oldAddressFindings(run)).length > 0
}
