import { firstReleases, holds, rulesOf } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import type { Check } from './check.js'

const id = 'feature-gates'
/** kubeadm's own gates that a release removed: it refuses a configuration that still names one. */
const removed = rulesOf('gate-gone/')

export const featureGates: Check = {
  id,
  title: 'kubeadm-config names no removed feature gate',
  async check(run) {
    const { kubernetesVersion } = await run.clusterFacts()
    const gates = (await clusterConfiguration(run))?.featureGates ?? {}
    return removed
      .filter((rule) => gates[gateOf(rule)] !== undefined && holds(rule, kubernetesVersion))
      .map((rule): Finding => {
        const gate = gateOf(rule)
        return {
          id,
          severity: 'error',
          message: `kubeadm-config names the feature gate ${gate}, which kubeadm ${firstReleases(rule)} removed: kubeadm join would refuse it`,
          evidence: `featureGates: ${gate}: ${gates[gate]}`,
          remedy: `kubectl -n kube-system edit configmap kubeadm-config, and delete ${gate} under featureGates`,
        }
      })
  },
}

const gateOf = (rule: (typeof removed)[number]): string => rule.slice('gate-gone/'.length)
