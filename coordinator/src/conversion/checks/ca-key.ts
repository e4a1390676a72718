import type { Check } from './check.js'

const id = 'ca-key'

/** With an external CA kubeadm can make no certificate, and upload-certs stores an empty ca.key. */
export const caKey: Check = {
  id,
  title: "The key of the cluster's CA is on the first control plane",
  async check(run) {
    if ((await run.nodeFacts(run.first)).caKeyPresent) return []
    return [
      {
        id,
        severity: 'error',
        node: run.first.name,
        message:
          'the cluster has an external CA: without its key no certificate for the endpoint or for a new control plane can be made here',
        evidence: '/etc/kubernetes/pki/ca.key: no such file',
        remedy:
          'Put ca.key (0600, root) beside ca.crt in /etc/kubernetes/pki for the time of the conversion. Certificates signed elsewhere are not supported in this version.',
      },
    ]
  },
}
