import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { ended, journalOf } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import { joinByHand } from '../join-by-hand.js'
import type { Scenario } from '../scenario.js'

const file = { loadBalancer: '{kind: external}' }
const endpoint = 'apiserver.example.com:8443'

/** The operator's load balancer checks all three: who does not serve yet is down. */
const site = { balancers: 1, controlPlaneEndpoint: endpoint }

export const endpointBefore: Scenario = {
  id: 'endpoint-before',
  title: 'made with the very controlPlaneEndpoint that the file names, and one control plane',
  group: 'control plane',
  outcome: 'converted',
  note: 'What is true already (certificate, kubeadm-config, kubeconfigs, kube-proxy, cluster-info) is skipped: what is left are the joins.',
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: async (t, kubernetesVersion) => {
      const looks = (cluster: SimulatedCluster) => {
        const done = journalOf(cluster).flatMap(({ kind, step = '' }) => (kind === 'step-started' ? [step] : []))
        for (const step of ['regenerate-apiserver-certificate', 'rewrite-worker-kubeconfigs', 'update-cluster-info'])
          t.notOk(done.includes(step), `${step} had nothing to do`)
      }
      await converts(t, { site: { ...site, kubernetesVersion }, file, looks })
    },
  },
}

export const joinedByHand: Scenario = {
  id: 'joined-by-hand',
  title: 'one of the two others was joined by hand before',
  group: 'control plane',
  outcome: 'converted',
  note: 'Behind the endpoint that the file names. Only the one that is missing joins; two voters are a cluster that survives nothing.',
  simulated: {
    versions: ['v1.37.2'],
    try: async (t, kubernetesVersion) => {
      await converts(t, {
        site: { ...site, kubernetesVersion },
        file,
        prepare: (cluster) => joinByHand(cluster, 'cp2', { asControlPlane: true }),
        looks: async (cluster) => {
          const { units } = await cluster.control.ask<{ units: Record<string, { command: string }[]> }>('executions')
          const joins = (name: string) =>
            (units[cluster.node(name).name] ?? []).filter(({ command }) => /^kubeadm join --/.test(command))
          t.same(joins('cp2'), [], 'the one that was there was not joined again')
          t.equal(joins('cp3').length, 1)
        },
      })
    },
  },
}

export const endpointReplaced: Scenario = {
  id: 'endpoint-replaced',
  title: 'made with another controlPlaneEndpoint than the file names, and one control plane',
  group: 'control plane',
  outcome: 'converted',
  note: 'The old name stays in every certificate and in certSANs, so that its users stay if it is pointed at the load balancer.',
  simulated: {
    versions: ['v1.37.2'],
    try: async (t, kubernetesVersion) => {
      await converts(t, {
        site: { kubernetesVersion, controlPlaneEndpoint: 'k8s.example.com:6443' },
        prepare: async (cluster) => {
          const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
          ended(t, plan)
          t.match(plan.stdout, /k8s\.example\.com:6443, which the conversion replaces by apiserver\.example\.com:8443/)
        },
        looks: (cluster) => keepsOldName(t, cluster),
        undone: true,
      })
    },
  },
}

function keepsOldName(t: Test, cluster: SimulatedCluster): void {
  for (const { root, name } of cluster.nodes.filter(({ role }) => role === 'control-plane')) {
    const certificate = new X509Certificate(readFileSync(`${root}/etc/kubernetes/pki/apiserver.crt`))
    for (const host of ['k8s.example.com', 'apiserver.example.com'])
      t.ok(certificate.checkHost(host), `the certificate of ${name} is for ${host}`)
  }
}
