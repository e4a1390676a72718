import { otherVersion } from '@quorate/shared/kubeadm-config-version'
import type { Check } from './check.js'

const id = 'kubeadm-config-version'
const where = 'configmap/kube-system/kubeadm-config'

/** kubeadm takes the images of a joiner from kubernetesVersion (app/images, GetKubernetesImage), whatever version it has itself (kubeadm#1556). */
export const kubeadmConfigVersion: Check = {
  id,
  title: 'kubernetesVersion in kubeadm-config is the version that runs',
  async check(run) {
    const { kubeadmConfig, kubernetesVersion: running } = await run.clusterFacts()
    const text = kubeadmConfig?.text ?? ''
    const other = text === '' ? undefined : otherVersion(text, running)
    if (other === undefined) return []
    const { said, line } = other
    return [
      {
        id,
        severity: 'error',
        message: `${where}: line ${line}: kubernetesVersion is ${said}, the cluster runs ${running}: kubeadm would give the joiners ${said}`,
        evidence: `data.ClusterConfiguration, line ${line}: kubernetesVersion: ${said}; API server ${running}`,
        remedy: `kubectl -n kube-system get configmap kubeadm-config -o yaml | sed 's/kubernetesVersion: *"*${pattern(said)}"*/kubernetesVersion: ${running}/' | kubectl replace -f -`,
      },
    ]
  },
}

/** What means something to sed or to the shell is any character. */
const pattern = (text: string): string => text.replace(/[^A-Za-z0-9 -]/g, '.')
