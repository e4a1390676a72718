import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'control-plane-images'

/**
 * What is missing is pulled before the first join, so it costs time, and where a node has no way to a registry the run stops there. Whether it has
 * one only its container runtime knows, by its mirrors and proxies: no registry is asked from here.
 */
export const controlPlaneImages: Check = {
  id,
  title: 'Every joiner has the control plane images',
  async check(run) {
    const { kubernetesVersion, kubeadmConfig } = await run.clusterFacts()
    const { imageRepository } = readClusterConfiguration(kubeadmConfig?.text ?? '')
    const joining = await withFacts(run, await toJoin(run))
    // That one has no kubeadm, or no container runtime that answers, is the finding of another check.
    const able = joining.filter(({ facts }) => facts.kubeadmVersion !== '' && facts.containerRuntime !== '')
    const found = await Promise.all(
      able.map(async ({ node, name }) => {
        const asked = { kubernetesVersion, imageRepository }
        const { missing, wanted } = await run.agent(node).read('listControlPlaneImages', asked)
        return missing.length === 0 ? [] : [finding(name, missing, wanted.length)]
      }),
    )
    return found.flat()
  },
}

const finding = (node: string, missing: readonly string[], wanted: number): Finding => ({
  id,
  severity: 'warning',
  node,
  message: `${missing.length} of the ${wanted} control plane images are missing: the run pulls them before the first join, and stops there if a pull fails`,
  evidence: missing.join(' '),
  remedy: `On that node, if it reaches a registry: kubeadm config images pull. If it does not, on a machine that has them: ctr -n k8s.io images export images.tar ${missing.join(' ')}; then on that node: ctr -n k8s.io images import images.tar.`,
})
