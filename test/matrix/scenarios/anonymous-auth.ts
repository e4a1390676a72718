import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Lab } from '../../../lab/real/lab.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts, refuses } from '../assertions.js'
import { anonymousHealthOnly, noAnonymous } from '../control-plane-wishes.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

const joiners = ['cp2', 'cp3']

/** The API servers of the joiners were started once, not again and again. */
async function startedOnce(t: Test, cluster: SimulatedCluster): Promise<void> {
  for (const name of joiners) {
    const node = cluster.node(name).name
    const containers = await cluster.control.ask<{ name: string; running: boolean; attempt: number }[]>('containers', {
      node,
    })
    const [server, ...more] = containers.filter((one) => one.name === 'kube-apiserver')
    t.match(server, { running: true, attempt: 0 }, `the API server of ${name} was started once`)
    t.same(more, [])
  }
}

export const anonymousAuthOff: Scenario = {
  id: 'anonymous-auth-off',
  title: '`--anonymous-auth=false`, the probes of the API server patched',
  group: 'control plane',
  outcome: 'converted',
  note: 'Discovery by a file with the token inside; the load balancer takes 401 as alive; the patch is copied to the joiners before they join.',
  everyRun: true,
  simulated: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, init: noAnonymous },
        looks: async (cluster) => {
          await startedOnce(t, cluster)
          const haproxy = readFileSync(`${cluster.node('cp1').root}/etc/quorate-haproxy/haproxy.cfg`, 'utf8')
          t.match(haproxy, 'http-check expect rstatus ^(200|401|403)$')
        },
        undone: true,
      }),
  },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, { with: ['no-anonymous'], looks: (lab) => refusesStill(t, lab), undone: true }),
  },
}

/** The API servers of the joiners run since they joined, and none of them answers who has no credentials. */
async function refusesStill(t: Test, lab: Lab): Promise<void> {
  for (const { spec, address } of lab.controlPlanes) {
    const pod = ['get', 'pod', '-n', 'kube-system', `kube-apiserver-${spec.name}`]
    const count = ['-o', 'jsonpath={.status.containerStatuses[0].restartCount}']
    if (spec.short !== 'cp1') t.equal(await lab.node('cp1').must(['kubectl', ...pod, ...count]), '0', spec.short)
    const asked = ['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', `https://${address}:6443/readyz`]
    t.equal(await lab.node('cp1').must(asked), '401')
  }
}

export const anonymousHealth: Scenario = {
  id: 'anonymous-health-only',
  title: 'anonymous requests for /livez, /readyz and /healthz alone, by an AuthenticationConfiguration',
  group: 'control plane',
  outcome: 'converted',
  note: 'Discovery by a file with the token inside; the AuthenticationConfiguration is copied to the joiners before they join.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, init: anonymousHealthOnly },
        looks: (cluster) => startedOnce(t, cluster),
      }),
  },
}

export const anonymousProbes: Scenario = {
  id: 'anonymous-auth-off-by-hand',
  title: '`--anonymous-auth=false`, the probes changed by hand in the manifest',
  group: 'control plane',
  outcome: 'refused',
  note: "The joiners' API servers would get probes without credentials from kubeadm, and the kubelet would end them again and again: make a patch of it.",
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'anonymous-auth', {
        site: { kubernetesVersion, init: noAnonymous },
        // Nothing tells a manifest that was made with a patch from one that was edited, but the patch.
        prepare: (cluster) =>
          cluster.control.ask('removeFile', { node: 'k8smaster1.example.com', path: '/etc/kubernetes/patches' }),
      }),
  },
}
