import { readFileSync } from 'node:fs'
import { refuses } from '../assertions.js'
import { joinByHand } from '../join-by-hand.js'
import type { Scenario } from '../scenario.js'

export const strayManifest: Scenario = {
  id: 'stray-manifest',
  title: 'a copy of a manifest in /etc/kubernetes/manifests',
  group: 'control plane',
  outcome: 'refused',
  note: 'The kubelet reads every file there and may run the copy (kubernetes#55596); the finding has the command that moves it away.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'mv /etc/kubernetes/manifests/kube-scheduler.yaml.bak /root/', {
        site: { kubernetesVersion },
        prepare: (cluster) => {
          const { name: node, root } = cluster.node('cp1')
          const path = '/etc/kubernetes/manifests/kube-scheduler.yaml'
          return cluster.control.ask('writeFile', {
            node,
            path: `${path}.bak`,
            text: readFileSync(root + path, 'utf8'),
          })
        },
      }),
  },
}

const endpoint = 'apiserver.example.com:8443'

export const stuckLearner: Scenario = {
  id: 'stuck-learner',
  title: 'a learner that a join by hand left in etcd when it broke off',
  group: 'etcd',
  outcome: 'refused',
  note: 'Etcd lets one learner in at a time; the finding has the command that removes it, and those for the node that has leftovers.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'etcdctl member remove', {
        site: { kubernetesVersion, balancers: 1, controlPlaneEndpoint: endpoint },
        file: { loadBalancer: '{kind: external}' },
        prepare: async (cluster) => {
          await cluster.setFaults('cp2', { failJoinPhase: 'etcd-join/promote' })
          await t.rejects(joinByHand(cluster, 'cp2', { asControlPlane: true }), /injected/, 'the join broke off')
          // Its kubelet would go on asking for a certificate for ever; what it started runs on without it.
          await cluster.sh('cp2', ['systemctl', 'disable', '--now', 'kubelet'])
        },
      }),
  },
}
