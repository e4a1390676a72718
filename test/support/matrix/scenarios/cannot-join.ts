import { refuses } from '../assertions.js'
import type { Scenario } from '../scenario.js'

export const externalCa: Scenario = {
  id: 'external-ca',
  title: 'an external CA: no ca.key on the first control plane',
  group: 'control plane',
  outcome: 'refused',
  note: 'Neither a certificate for the endpoint nor one for a joiner can be made there; certificates that are signed elsewhere are not supported yet.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'ca-key', {
        site: { kubernetesVersion },
        prepare: (cluster) =>
          cluster.control.ask('removeFile', { node: cluster.node('cp1').name, path: '/etc/kubernetes/pki/ca.key' }),
      }),
  },
}
