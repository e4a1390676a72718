import { extraArgs } from '../machines/kubeadm-documents.js'
import type { Piece } from './piece.js'

/** The kubelet's probes only check that the port is open: it has no credentials for the API server's /livez. */
const probePatch = ['liveness', 'readiness', 'startup']
  .flatMap((kind) => [
    `- {op: remove, path: /spec/containers/0/${kind}Probe/httpGet}`,
    `- {op: add, path: /spec/containers/0/${kind}Probe/tcpSocket, value: {host: 127.0.0.1, port: 6443}}`,
  ])
  .join('\n')

/** `--anonymous-auth=false`, as security benchmarks require. Workers join with a file: they cannot read cluster-info. */
export const noAnonymous: Piece = {
  discoveryByFile: true,
  init({ api, init, cluster }) {
    cluster.apiServer = { extraArgs: extraArgs(api, { 'anonymous-auth': 'false' }) }
    init.patches = { directory: '/etc/kubernetes/patches' }
  },
  before: (lab) => lab.node('cp1').put('/etc/kubernetes/patches/kube-apiserver0+json.yaml', `${probePatch}\n`, '0600'),
}
