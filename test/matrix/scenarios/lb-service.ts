import { readFileSync } from 'node:fs'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

const servers = (cluster: SimulatedCluster): string[] =>
  cluster.nodes.map(
    ({ root }) => /server: (.*)/.exec(readFileSync(`${root}/etc/kubernetes/kubelet.conf`, 'utf8'))?.[1] ?? '',
  )

export const lbServiceNodePort: Scenario = {
  id: 'lb-service-node-port',
  title: '`service`: a NodePort for clients outside, haproxy on every node for the nodes',
  group: 'load balancer',
  outcome: 'converted',
  note: 'As the documented procedure, but never under the kubelets: the way to the API would need the API.',
  everyRun: true,
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, dns: false, haproxyEverywhere: true },
        file: { loadBalancer: '{kind: service, nodePort: 31170}' },
        endpointAt: (site) => ({ address: site.node('w1').address, port: 31170 }),
        undone: true,
      }),
  },
  real: {
    versions: ['v1.37.2'],
    try: (t, version) =>
      convertsReal(t, version, {
        file: () => ({ loadBalancer: '{kind: service, nodePort: 31170}' }),
        endpointAt: (lab) => ({
          address: lab.node('w1').address,
          port: '31170',
          within: (argv) => lab.network.within(argv),
        }),
        undone: true,
      }),
  },
}

export const lbServiceForced: Scenario = {
  id: 'lb-service-forced',
  title: '`service` of type LoadBalancer, put under the kubelets too (`underKubelets`)',
  group: 'load balancer',
  outcome: 'converted',
  note: 'Only where the file asks for it; the plan warns of the circle: after a power failure of all machines nothing comes up by itself.',
  simulated: {
    versions: ['v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion },
        file: { loadBalancer: '{kind: service, virtualIP: $virtualIP, underKubelets: true}' },
        looks: (cluster) => {
          t.ok(servers(cluster).every((server) => server === 'https://apiserver.example.com:8443'))
        },
        undone: true,
      }),
  },
}
