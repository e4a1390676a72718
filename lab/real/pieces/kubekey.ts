import { extraArgs } from '../machines/kubeadm-documents.js'
import { certificateNames, hostEtcd, startHostEtcd } from './host-etcd.js'
import type { Piece } from './piece.js'

const endpoint = 'lb.kubesphere.local'

/** KubeKey's layout: etcd as a service of the first control plane, the endpoint a name that every node's /etc/hosts resolves to it. */
export const kubekey: Piece = {
  init(documents, lab) {
    const { api, cluster } = documents
    hostEtcd(documents, lab)
    const anywhere = extraArgs(api, { 'bind-address': '0.0.0.0' })
    cluster.clusterName = 'cluster.local'
    cluster.controlPlaneEndpoint = `${endpoint}:6443`
    cluster.apiServer = { extraArgs: anywhere, certSANs: certificateNames(lab, endpoint) }
    cluster.controllerManager = {
      extraArgs: extraArgs(api, { 'bind-address': '0.0.0.0', 'cluster-signing-duration': '87600h' }),
      extraVolumes: [{ name: 'host-time', hostPath: '/etc/localtime', mountPath: '/etc/localtime', readOnly: true }],
    }
    cluster.scheduler = { extraArgs: anywhere }
  },
  async before(lab) {
    const cp1 = lab.node('cp1')
    const lines = ['', '# kubekey hosts BEGIN', `${cp1.address}  ${endpoint}`, '# kubekey hosts END', '']
    const hosts = lines.join('\n')
    for (const node of [cp1, ...lab.workers]) await node.must(['sh', '-c', 'cat >> /etc/hosts'], hosts)
    await startHostEtcd(lab)
  },
}
