import type { EtcdTopology } from '../context/etcd-topology.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { staticPodFlag } from '../facts/static-pod-flags.js'
import { external } from './external.js'
import { isLoopback } from './members.js'
import { stacked } from './stacked.js'

/**
 * Which of kubeadm's topologies a cluster has (https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/ha-topology/): from the flags of
 * the first control plane's API server, which can be read without an API; where that node does not answer, from kubeadm-config. The check
 * `etcd-topology` verifies that both agree.
 */
export async function chooseEtcdTopology(run: ConversionRun): Promise<EtcdTopology> {
  const endpoints = (await byFlag(run)) ?? (await configured(run))
  // kubeadm gives the API server of a stacked etcd its loopback address (app/phases/controlplane/manifests.go).
  return endpoints.every(isLoopback) ? stacked(run) : external(run, endpoints)
}

async function byFlag(run: ConversionRun): Promise<readonly string[] | undefined> {
  const facts = await run.nodeFacts(run.first).catch(() => undefined)
  return facts === undefined ? undefined : staticPodFlag(facts, 'kube-apiserver', '--etcd-servers')?.split(',')
}

async function configured(run: ConversionRun): Promise<readonly string[]> {
  const etcd = (await clusterConfiguration(run))?.etcd
  return etcd?.kind === 'external' ? etcd.endpoints : []
}
