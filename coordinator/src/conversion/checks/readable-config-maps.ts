import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import { readComponentConfig } from '@quorate/shared/component-config'
import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, ConfigMapText } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeconfigClusters, readKubeconfig } from '@quorate/shared/kubeconfig'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import { clusterTexts, type TextPlace } from '@quorate/shared/text-place'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import type { Check } from './check.js'

const id = 'readable-config-maps'

/** Validated here as a whole: every other check reads a few fields, and would treat unreadable ones as absent. */
export const readableConfigMaps: Check = {
  id,
  title: "kubeadm's ConfigMaps can be read",
  beside: 'What cannot be read cannot be converted: each program that reads it fails with its own message.',
  async check(run) {
    return ofCluster(run, await run.clusterFacts())
  },
}

interface Text {
  readonly place: TextPlace
  readonly text: ConfigMapText | undefined
  /** Throws where it cannot be read. */
  readonly read: (text: string, place: TextPlace) => unknown
}

function ofCluster(run: ConversionRun, facts: ClusterFacts): readonly Finding[] {
  const { clusterConfiguration, kubeletConfig, kubeProxyConfig, kubeProxyKubeconfig, clusterInfo } = clusterTexts
  const texts: readonly Text[] = [
    { place: clusterConfiguration, text: facts.kubeadmConfig, read: readClusterConfiguration },
    {
      place: kubeletConfig,
      text: facts.kubeletConfig,
      read: (text, place) => readComponentConfig(text, 'KubeletConfiguration', place),
    },
    {
      place: kubeProxyConfig,
      text: facts.kubeProxyConfig,
      read: (text, place) => readComponentConfig(text, 'KubeProxyConfiguration', place),
    },
    { place: kubeProxyKubeconfig, text: facts.kubeProxy, read: readBoth },
    { place: clusterInfo, text: facts.clusterInfo, read: readBoth },
  ]
  return [...(facts.kubeletConfig?.present === true ? [] : [noKubeletConfig(run)]), ...texts.flatMap(ofText)]
}

/** The cluster in use, and the others beside it. */
const readBoth = (text: string, place: TextPlace): unknown => [
  readKubeconfig(text, place),
  kubeconfigClusters(text, place),
]

function ofText({ place, text, read }: Text): readonly Finding[] {
  if (text?.present !== true) return []
  return problemOf(() => read(text.text, place)).map(({ message, remedy }) => ({
    ...{ id, severity: 'error', remedy },
    message: `${place.what} of ${place.where} cannot be read`,
    evidence: `${place.where}: ${message}`,
  }))
}

/** kubeadm join stops without it, and does without that of kube-proxy (kubeadm, componentconfigs/configset.go: mustExist). */
const noKubeletConfig = ({ first }: ConversionRun): Finding => ({
  id,
  severity: 'error',
  message: 'the ConfigMap kube-system/kubelet-config has no key kubelet: kubeadm join stops without it',
  evidence: 'configmap/kube-system/kubelet-config: no key kubelet',
  remedy: `On ${first.name}: kubectl -n kube-system create configmap kubelet-config --from-file=kubelet=${usualKubelet.config} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -`,
})

function problemOf(read: () => unknown): readonly QuorateError[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof QuorateError) return [error]
    throw error
  }
}
