import { readFileSync } from 'node:fs'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

export const lbNodeLocal: Scenario = {
  id: 'lb-node-local',
  title: '`node-local`: haproxy on every node, the endpoint on loopback',
  group: 'load balancer',
  outcome: 'converted',
  note: 'No virtual IP; clients outside the cluster need a way of their own, which the plan says.',
  everyRun: true,
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, dns: false, haproxyEverywhere: true },
        file: { loadBalancer: '{kind: node-local}' },
        endpointAt: (site) => ({ address: site.node('w1').address, port: 8443 }),
        undone: true,
        looks(cluster) {
          for (const { name, root } of cluster.nodes) {
            t.match(readFileSync(`${root}/etc/hosts`, 'utf8'), '127.0.0.1 apiserver.example.com', name)
            const config = readFileSync(`${root}/etc/quorate-haproxy/haproxy.cfg`, 'utf8')
            t.match(config, 'bind 127.0.0.1:8443')
            for (const backend of ['k8smaster1', 'k8smaster2', 'k8smaster3'])
              t.match(config, `server ${backend}.example.com`, `${name} leads to ${backend}`)
          }
        },
      }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, {
        file: () => ({ loadBalancer: '{kind: node-local}' }),
        endpointAt: (lab) => ({ address: '127.0.0.1', port: '8443', within: (argv) => lab.node('w1').within(argv) }),
        undone: true,
      }),
  },
}
