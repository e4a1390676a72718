import { readFileSync } from 'node:fs'
import type { Lab } from '../../../lab/real/lab.js'
import { ended } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
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
            const config = readFileSync(`${root}/etc/quorate-haproxy/haproxy.cfg`, 'utf8')
            t.match(config, 'server k8smaster3.example.com', `${name} leads to the third`)
          }
          t.match(await cluster.control.ask('virtualIpHolder'), /^lb\d/)
          const backends = await cluster.quorate(['backends', '-f', cluster.clusterFile])
          ended(t, backends)
          t.match(backends.stdout, /k8smaster3\.example\.com +\d+ of 27/)
        },
      }),
  },
  real: {
    versions: ['v1.37.2'],
    try: (t, version) =>
      convertsReal(t, version, {
        with: ['load-balancer-hosts'],
        file: (lab) => ({ endpoint: 'apiserver.example.com:6443', loadBalancer: onHosts(lab) }),
        undone: true,
      }),
  },
}

const onHosts = (lab: Lab): string =>
  `{kind: haproxy, virtualIP: ${lab.virtualIP}, hosts: [${['lb1', 'lb2']
    .map((short) => `{name: ${lab.node(short).spec.name}, address: ${lab.node(short).address}}`)
    .join(', ')}]}`
