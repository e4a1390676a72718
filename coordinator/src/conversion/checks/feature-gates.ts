import { atLeast } from '@quorate/shared/kubernetes-version'
import { clusterConfiguration } from '../cluster-configuration.js'
import type { Check, Finding } from './check.js'

const id = 'feature-gates'
/** kubeadm's own gates that a release removed: it refuses a configuration that still names one (kubeadm init, list of removed feature gates). */
const removed: Readonly<Record<string, string>> = {
  ControlPlaneKubeletLocalMode: '1.36',
  EtcdLearnerMode: '1.33',
  UnversionedKubeletConfigMap: '1.26',
  UpgradeAddonsBeforeControlPlane: '1.31',
  WaitForAllControlPlaneComponents: '1.35',
}

export const featureGates: Check = {
  id,
  title: 'kubeadm-config names no feature gate that is gone',
  async check(run) {
    const { kubernetesVersion } = await run.clusterFacts()
    const gates = (await clusterConfiguration(run))?.featureGates ?? {}
    return Object.entries(gates)
      .filter(([gate]) => removed[gate] !== undefined && atLeast(kubernetesVersion, removed[gate]))
      .map(
        ([gate, on]): Finding => ({
          id,
          severity: 'error',
          message: `kubeadm-config names the feature gate ${gate}, which kubeadm ${removed[gate]} removed: kubeadm join would refuse it`,
          evidence: `featureGates: ${gate}: ${on}`,
          remedy: `kubectl -n kube-system edit configmap kubeadm-config, and delete ${gate} under featureGates`,
        }),
      )
  },
}
