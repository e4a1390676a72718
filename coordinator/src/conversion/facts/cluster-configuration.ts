import { type ClusterConfigurationView, readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import type { ConversionRun } from '../context/run.js'

/** kubeadm's ClusterConfiguration as the cluster has it; undefined where there is none. CONFIG_MAP_INVALID when it cannot be read. */
export async function clusterConfiguration(run: ConversionRun): Promise<ClusterConfigurationView | undefined> {
  const text = (await run.clusterFacts()).kubeadmConfig?.text ?? ''
  return text === '' ? undefined : readClusterConfiguration(text)
}
