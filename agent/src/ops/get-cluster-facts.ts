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
  type Service,
  type SigningRequest,
  type Workload,
} from './cluster/kube-objects.js'
import {
  configMapText,
  coreDnsFacts,
  daemonSetFacts,
  joinTokenIds,
  leaseFacts,
  nodeObject,
  pendingRequests,
  podFacts,
  servicePlace,
  signedTokenIds,
} from './cluster/read-cluster-objects.js'
import { readOperation } from './context/operation.js'
import { pkiOn } from './context/paths.js'
import type { Tools } from './context/tools.js'

const servingRequests =
  '/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=spec.signerName%3Dkubernetes.io%2Fkubelet-serving'

/** Asks for everything at once: the answer takes as long as the slowest request. */
export const getClusterFacts = readOperation<GetClusterFactsRequest, GetClusterFactsResponse>(
  async ({ find, joinRights, apiService: withService }, tools, signal) => {
    const kube = await tools.kube()
    const [version, texts, objects, readyz, clusterInfo, references, missing, apiService] = await Promise.all([
      kube.get<{ gitVersion: string }>('/version', signal),
      readTexts(kube, signal),
      readObjects(kube, signal),
      askAnonymously(tools, '/readyz', signal),
      askAnonymously(tools, apiPath.configMap('kube-public', 'cluster-info'), signal),
      findReferences(kube, find, signal),
      joinRights ? missingJoinRights(kube, signal) : [],
      withService ? apiServiceFacts(kube, signal) : undefined,
    ])
    const kubernetesVersion = version?.gitVersion ?? ''
    const anonymous = {
      anonymousReadyz: readyz === 200,
      clusterInfoRefused: clusterInfo === 401 || clusterInfo === 403,
    }
    const found = { ...anonymous, references, missingJoinRights: missing, apiService }
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
    kubeProxyConfig: configMapText(kubeProxy, 'config.conf'),
    kubeProxyKeys: Object.keys(kubeProxy?.data ?? {}),
    kubeletConfig: configMapText(kubeletConfig, 'kubelet'),
    clusterStatus: configMapText(kubeadmConfig, 'ClusterStatus'),
    signedTokenIds: signedTokenIds(clusterInfo),
  }
}

async function readObjects(kube: KubeApi, signal: AbortSignal) {
  const list = async <T>(path: string): Promise<readonly T[]> => (await kube.get<List<T>>(path, signal))?.items ?? []
  const [nodes, leases, pods, slices, tokens, requests, daemonSet, coreDns, kubernetes, dns] = await Promise.all([
    list<Node>('/api/v1/nodes'),
    list<Lease>('/apis/coordination.k8s.io/v1/leases'),
    list<Pod>(apiPath.systemPods),
    list<EndpointSlice>(apiPath.slicesOfApi),
    list<Secret>(`${apiPath.secrets}?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken`),
    list<SigningRequest>(servingRequests),
    kube.get<Workload>(apiPath.kubeProxy, signal),
    kube.get<Workload>(apiPath.coreDns, signal),
    kube.get<Service>('/api/v1/namespaces/default/services/kubernetes', signal),
    kube.get<Service>(`${apiPath.systemServices}/kube-dns`, signal),
  ])
  return {
    nodes: nodes.map((node) => nodeObject(node, leases)),
    leases: leases.map(leaseFacts),
    pods: pods.map(podFacts),
    joinTokenIds: joinTokenIds(tokens),
    coreDns: coreDns === undefined ? undefined : coreDnsFacts(coreDns),
    kubernetesService: servicePlace(kubernetes),
    dnsService: servicePlace(dns),
    servingRequests: pendingRequests(requests),
    kubeProxyRollout: daemonSet === undefined ? undefined : daemonSetFacts(daemonSet),
    apiServerAddresses: [
      ...new Set(slices.flatMap(({ endpoints }) => endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    ],
  }
}

/** The answer to a request without credentials, as from a load balancer's health check and kubeadm's discovery; undefined for no answer. */
async function askAnonymously(
  { host, network }: Tools,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const [{ url }, ca] = await Promise.all([readLocalApiServer(host), host.read(await pkiOn(host, 'ca.crt'))])
  if (ca === undefined) return undefined
  const ask = network.get(`${url}${path}`, ca.bytes.toString('utf8'), undefined, signal)
  return (await ask.catch(() => undefined))?.status
}
