import type { GetClusterFactsRequest, GetClusterFactsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { KubeApi } from '../host/kube-api.js'
import { readLocalApiServer } from '../host/local-api-server.js'
import { apiServiceFacts } from './cluster/api-service.js'
import { findReferences } from './cluster/find-references.js'
import { missingJoinRights } from './cluster/join-rights.js'
import {
  apiPath,
  type ConfigMap,
  type EndpointSlice,
  type Lease,
  type List,
  type Node,
  type Pod,
  type Secret,
  type Workload,
} from './cluster/kube-objects.js'
import {
  configMapText,
  daemonSetFacts,
  joinTokenIds,
  leaseFacts,
  nodeObject,
  podFacts,
  signedTokenIds,
} from './cluster/read-cluster-objects.js'
import { readOperation } from './operation.js'
import { caCertificatePath } from './paths.js'
import type { Tools } from './tools.js'

const slicesOfApi =
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes'

/** Asks for everything at once: the answer takes as long as the slowest question. */
export const getClusterFacts = readOperation<GetClusterFactsRequest, GetClusterFactsResponse>(
  async ({ find, joinRights }, tools, signal) => {
    const kube = await tools.kube()
    const [version, texts, objects, anonymousReadyz, references, missing, apiService] = await Promise.all([
      kube.get<{ gitVersion: string }>('/version', signal),
      readTexts(kube, signal),
      readObjects(kube, signal),
      isReadyAnonymously(tools, signal),
      findReferences(kube, find, signal),
      joinRights ? missingJoinRights(kube, signal) : [],
      apiServiceFacts(kube, signal),
    ])
    const kubernetesVersion = version?.gitVersion ?? ''
    const found = { anonymousReadyz, references, missingJoinRights: missing, apiService }
    return { facts: { kubernetesVersion, ...texts, ...objects, ...found } }
  },
)

async function readTexts(kube: KubeApi, signal: AbortSignal) {
  const read = (namespace: string, name: string) => kube.get<ConfigMap>(apiPath.configMap(namespace, name), signal)
  const [kubeadmConfig, clusterInfo, kubeProxy, kubeletConfig] = await Promise.all([
    read('kube-system', 'kubeadm-config'),
    read('kube-public', 'cluster-info'),
    read('kube-system', 'kube-proxy'),
    read('kube-system', 'kubelet-config'),
  ])
  return {
    kubeadmConfig: configMapText(kubeadmConfig, 'ClusterConfiguration'),
    clusterInfo: configMapText(clusterInfo, 'kubeconfig'),
    kubeProxy: configMapText(kubeProxy, 'kubeconfig.conf'),
    kubeletConfig: configMapText(kubeletConfig, 'kubelet'),
    clusterStatus: configMapText(kubeadmConfig, 'ClusterStatus'),
    signedTokenIds: signedTokenIds(clusterInfo),
  }
}

async function readObjects(kube: KubeApi, signal: AbortSignal) {
  const list = async <T>(path: string): Promise<readonly T[]> => (await kube.get<List<T>>(path, signal))?.items ?? []
  const [nodes, leases, pods, slices, tokens, daemonSet] = await Promise.all([
    list<Node>('/api/v1/nodes'),
    list<Lease>('/apis/coordination.k8s.io/v1/leases'),
    list<Pod>(apiPath.systemPods),
    list<EndpointSlice>(slicesOfApi),
    list<Secret>(`${apiPath.secrets}?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken`),
    kube.get<Workload>(apiPath.kubeProxy, signal),
  ])
  return {
    nodes: nodes.map((node) => nodeObject(node, leases)),
    leases: leases.map(leaseFacts),
    pods: pods.map(podFacts),
    joinTokenIds: joinTokenIds(tokens),
    kubeProxyRollout: daemonSet === undefined ? undefined : daemonSetFacts(daemonSet),
    apiServerAddresses: [
      ...new Set(slices.flatMap(({ endpoints }) => endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    ],
  }
}

/** The load balancer's health check has no credentials: with anonymous access off it would see 401. */
async function isReadyAnonymously({ host, network }: Tools, signal: AbortSignal): Promise<boolean> {
  const [{ url }, ca] = await Promise.all([readLocalApiServer(host), host.read(caCertificatePath)])
  if (ca === undefined) return false
  const answer = await network.get(`${url}/readyz`, ca.bytes.toString('utf8'), undefined, signal).catch(() => undefined)
  return answer?.status === 200
}
