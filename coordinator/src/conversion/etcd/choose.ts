import type { EtcdTopology } from '../context/etcd-topology.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'
import { external } from './external.js'
import { isLoopback } from './members.js'
import { stacked } from './stacked.js'

/**
 * Which of kubeadm's topologies a cluster has (https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/ha-topology/): from what the
 * first control plane's API server is told, which can be read without an API; where that node is silent, from kubeadm-config. Whether the two
 * agree is for the check `etcd-topology`.
 */
export async function chooseEtcdTopology(run: ConversionRun): Promise<EtcdTopology> {
  const endpoints = (await told(run)) ?? (await configured(run))
  // kubeadm gives the API server of a stacked etcd its loopback address (app/phases/controlplane/manifests.go).
  return endpoints.every(isLoopback) ? stacked(run) : external(run, endpoints)
}

async function told(run: ConversionRun): Promise<readonly string[] | undefined> {
  const facts = await run.nodeFacts(run.first).catch(() => undefined)
  return facts === undefined ? undefined : staticPodFlag(facts, 'kube-apiserver', '--etcd-servers')?.split(',')
}

async function configured(run: ConversionRun): Promise<readonly string[]> {
  const etcd = (await clusterConfiguration(run))?.etcd
  return etcd?.kind === 'external' ? etcd.endpoints : []
}
