import { readFileSync } from 'node:fs'
import { converts } from '../assertions.js'
import type { Scenario } from '../scenario.js'

export const lbHosts: Scenario = {
  id: 'lb-hosts',
  title: '`haproxy` on hosts of its own, on port 6443',
  group: 'load balancer',
  outcome: 'converted',
  note: 'Two or three machines with an agent, haproxy and keepalived that are no nodes of the cluster.',
  everyRun: true,
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, balancers: 2 },
        file: { endpoint: 'apiserver.example.com:6443' },
        endpointAt: ({ world }) => ({ address: world.virtualIp, port: 6443 }),
        undone: true,
        looks: async (cluster) => {
          for (const { name, root, role } of cluster.nodes) {
            if (role !== 'load-balancer') continue
            const config = readFileSync(`${root}/etc/haproxy/haproxy.cfg`, 'utf8')
            t.match(config, 'server k8smaster3.example.com', `${name} leads to the third`)
          }
          t.match(await cluster.control.ask('virtualIpHolder'), /^lb\d/)
        },
      }),
  },
}
