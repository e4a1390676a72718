import { parse } from 'yaml'
import { kubeProxyKubeconfig } from './cluster-objects.js'
import { httpsUrl } from './host-port.js'
import type { KubeClient } from './kube-client.js'
import { certsRenewAll } from './kubeadm-certs.js'
import { adminClient, type ClusterConfiguration, getObject } from './kubeadm-config.js'
import { writeManifests } from './kubeadm-join.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'
import { releaseOf } from './versions.js'
import { yamlText } from './yaml-text.js'

const system = '/api/v1/namespaces/kube-system/configmaps'
const mergePatch = 'application/merge-patch+json'
const patienceMs = 120_000

/**
 * `kubeadm upgrade apply VERSION` within a minor release: manifests, certificates, then what is rewritten from kubeadm-config
 * (app/phases/upgrade/postupgrade.go): kubeadm-config itself, the kubelet.conf of this control plane, the addon kube-proxy. Not cluster-info.
 */
export async function upgradeApply(run: Kubeadm, version: string): Promise<void> {
  const { site } = run
  run.print(`[upgrade/version] You have chosen to upgrade the cluster version to "${version}"`)
  site.release = releaseOf(version)
  await withConfiguration(run, async ({ client, cluster, server }) => {
    await upgradeStaticPods(run, { ...cluster, kubernetesVersion: version })
    await patch(client, `${system}/kubeadm-config`, {
      data: { ClusterConfiguration: yamlText({ ...cluster, kubernetesVersion: version }) },
    })
    await followLocalMode(run, cluster)
    const { controlPlaneEndpoint = '' } = cluster
    const endpoint = controlPlaneEndpoint === '' ? server : `https://${controlPlaneEndpoint}`
    await patch(client, `${system}/kube-proxy`, { data: { 'kubeconfig.conf': kubeProxyKubeconfig(endpoint) } })
    const containers = [{ name: 'kube-proxy', image: `registry.k8s.io/kube-proxy:${version}` }]
    const template = { metadata: { annotations: null }, spec: { containers } }
    await patch(client, '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy', { spec: { template } })
    run.print('[addons] Applied essential addon: kube-proxy')
  })
  run.print(`[upgrade] SUCCESS! A control plane node of your cluster was upgraded to "${version}".`)
}

/** `kubeadm upgrade node` on a further control plane. */
export async function upgradeNode(run: Kubeadm): Promise<void> {
  await withConfiguration(run, async ({ cluster }) => {
    await upgradeStaticPods(run, cluster)
    await followLocalMode(run, cluster)
  })
  run.print('[upgrade] The configuration for this node was successfully updated!')
}

interface Configured {
  readonly client: KubeClient
  readonly cluster: ClusterConfiguration
  /** This node's own API server. */
  readonly server: string
}

async function withConfiguration(run: Kubeadm, work: (configured: Configured) => Promise<void>): Promise<void> {
  const server = httpsUrl(run.machine.node.address, 6443)
  const client = adminClient(run, server)
  try {
    run.print(
      '[upgrade/config] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...',
    )
    const map = await getObject(client, `${system}/kubeadm-config`)
    const cluster = parse(map.data?.['ClusterConfiguration'] ?? '') as ClusterConfiguration
    await work({ client, cluster, server })
  } finally {
    client.close()
  }
}

/** Retries while the API server restarts, as kubeadm does. */
async function patch(client: KubeClient, path: string, body: object): Promise<void> {
  for (const until = Date.now() + patienceMs; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const answer = await client.request('PATCH', path, body, mergePatch).catch(() => undefined)
    if (answer?.status === 200) return
    if (Date.now() > until) throw new PhaseError('upgrade', `${path} was not updated: ${answer?.status ?? 'no answer'}`)
  }
}

/** etcd's image is that of the minor release: "current and new manifests of etcd are equal, skipping upgrade". */
async function upgradeStaticPods(run: Kubeadm, cluster: ClusterConfiguration): Promise<void> {
  const { node, runtime } = run.machine
  await certsRenewAll(run)
  const { version } = run.site.release
  const context = { cluster, nodeName: node.name, address: node.address, bindPort: 6443 }
  writeManifests(run, { ...context, patches: undefined })
  for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) {
    const isNew = () =>
      runtime.containers.some((one) => one.name === name && one.running && one.image.endsWith(version))
    for (const until = Date.now() + patienceMs; !isNew(); await new Promise((resolve) => setTimeout(resolve, 100)))
      if (Date.now() > until) throw new PhaseError('upgrade', `timed out waiting for ${name} to be restarted`)
    run.print(`[upgrade/staticpods] Component "${name}" upgraded successfully!`)
  }
}

/** UpdateKubeletLocalMode: a kubelet.conf that names the endpoint is pointed at the node's own API server, and the kubelet restarted. */
async function followLocalMode({ site, machine: { node, units } }: Kubeadm, cluster: ClusterConfiguration) {
  const path = '/etc/kubernetes/kubelet.conf'
  const text = node.must(path)
  const endpoint = `server: https://${cluster.controlPlaneEndpoint}`
  if (!site.release.localMode || !text.includes(endpoint)) return
  node.write(path, text.replace(endpoint, `server: ${httpsUrl(node.address, 6443)}`), 0o600)
  await units.stop('kubelet')
  await units.start('kubelet')
}
