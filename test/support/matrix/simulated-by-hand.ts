import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { ended } from '../simulated-cluster.js'

const write = (cluster: SimulatedCluster, node: string, path: string, text: string): Promise<void> =>
  cluster.control.ask('writeFile', { node: cluster.node(node).name, path, text })

const api = (cluster: SimulatedCluster): string =>
  `kubeadm.k8s.io/${/^v1\.30\./.test(cluster.world.kubernetesVersion) ? 'v1beta3' : 'v1beta4'}`

/** As its documentation says: kubeadm init phase upload-certs --upload-certs, with the cluster's own configuration; answers the key. */
export async function uploadCertificatesByHand(t: Test, cluster: SimulatedCluster): Promise<string> {
  const key = randomBytes(32).toString('hex')
  const dump = await cluster.control.ask<Record<string, { data?: Record<string, string> }>>('dump')
  const configuration = dump['/configmaps/kube-system/kubeadm-config']?.data?.['ClusterConfiguration'] ?? ''
  const init = `apiVersion: ${api(cluster)}\nkind: InitConfiguration\ncertificateKey: ${key}\n`
  await write(cluster, 'cp1', '/root/upload.yaml', `${init}---\n${configuration}`)
  const upload = ['kubeadm', 'init', 'phase', 'upload-certs', '--upload-certs', '--config', '/root/upload.yaml']
  ended(t, await cluster.sh('cp1', upload))
  return key
}

/** What an operator does with the line that kubeadm token create prints on the first control plane. */
export async function handJoined(t: Test, cluster: SimulatedCluster, node: string, certificateKey?: string) {
  const printed = await cluster.sh('cp1', ['kubeadm', 'token', 'create', '--print-join-command'])
  ended(t, printed)
  const [, endpoint, token, hash] =
    /join (\S+) --token (\S+) --discovery-token-ca-cert-hash (\S+)/.exec(printed.stdout) ?? []
  const { address, name } = cluster.node(node)
  const controlPlane =
    certificateKey === undefined
      ? ''
      : `controlPlane: {localAPIEndpoint: {advertiseAddress: ${address}, bindPort: 6443}, certificateKey: ${certificateKey}}\n`
  const join = `apiVersion: ${api(cluster)}
kind: JoinConfiguration
discovery: {bootstrapToken: {apiServerEndpoint: "${endpoint}", token: ${token}, caCertHashes: ["${hash}"]}}
nodeRegistration: {name: ${name}, criSocket: "unix:///run/containerd/containerd.sock"}
${controlPlane}`
  await write(cluster, node, '/root/join.yaml', join)
  ended(t, await cluster.sh(node, ['kubeadm', 'join', '--config', '/root/join.yaml']))
}
