import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { members } from '../../support/conversion-assertions.js'
import { clusterForTest, ended, runOf } from '../../support/simulated-cluster.js'
import { converts, refuses } from '../assertions.js'
import type { Scenario } from '../scenario.js'

const dropIn = '/etc/systemd/system/kubelet.service.d/http-proxy.conf'

const proxied = (noProxy: string) => async (cluster: SimulatedCluster) => {
  const text = `[Service]\nEnvironment="HTTPS_PROXY=http://u:p@192.0.2.1:3128" "NO_PROXY=${noProxy}"\n`
  for (const node of ['cp1', 'w1'])
    await cluster.control.ask('writeFile', { node: cluster.node(node).name, path: dropIn, text, mode: 0o644 })
}

export const proxiedEndpoint: Scenario = {
  id: 'proxied-endpoint',
  title: 'kubelets with HTTPS_PROXY, and a NO_PROXY without the endpoint',
  group: 'network',
  outcome: 'refused',
  note: 'By kubeadm it is a warning, but a kubelet that asks a proxy for the endpoint reports no more; the finding says what to add where.',
  simulated: {
    versions: ['v1.37.2'],
    try: async (t, kubernetesVersion) => {
      await refuses(t, `add apiserver.example.com to NO_PROXY in ${dropIn}`, {
        site: { kubernetesVersion },
        prepare: proxied('127.0.0.0/8,10.96.0.0/12,.svc'),
      })
    },
  },
}

export const proxiedOthers: Scenario = {
  id: 'proxied-others',
  title: 'nodes and operator behind a proxy, with a NO_PROXY that has the endpoint',
  group: 'network',
  outcome: 'converted',
  note: "Quorate's own requests never ask a proxy: agents, API servers and etcd are neighbours.",
  simulated: {
    versions: ['v1.37.2'],
    try: async (t, kubernetesVersion) => {
      const before = process.env['https_proxy']
      t.teardown(() => {
        if (before === undefined) delete process.env['https_proxy']
        else process.env['https_proxy'] = before
      })
      // Nobody listens there: whoever asked it would fail.
      process.env['https_proxy'] = 'http://127.0.0.1:9'
      await converts(t, { site: { kubernetesVersion }, prepare: proxied('127.0.0.0/8,10.96.0.0/12,.example.com') })
    },
  },
}

async function importsAndGoesOn(t: Test, kubernetesVersion: string): Promise<void> {
  const cluster = await clusterForTest(t, { workers: 1, kubernetesVersion })
  await cluster.setFaults('cp3', { noRegistry: true })
  await cluster.control.ask('removeImages', { node: cluster.node('cp3').name })
  const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, plan)
  t.match(
    plan.stdout,
    /control-plane-images on k8smaster3[\s\S]*registry\.k8s\.io\/kube-apiserver:v1\.37\.2/,
    'the plan knows',
  )
  const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, run, 4)
  t.match(run.stdout + run.stderr, /registry\.k8s\.io\/kube-apiserver:v1\.37\.2/, 'the images are named')
  t.match(run.stdout + run.stderr, /ctr -n k8s\.io images import/, 'and how they come there')
  t.equal((await members(cluster)).length, 1, 'before a control plane joins')
  await cluster.setFaults('cp3', { noRegistry: false })
  ended(t, await cluster.quorate(['resume', runOf(cluster)]))
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
}

export const missingImages: Scenario = {
  id: 'missing-images',
  title: 'a joiner without images and without a way to a registry',
  group: 'nodes',
  outcome: 'converted',
  note: 'The plan warns; the run stops before the first join, names the images and the commands that carry them there, and `resume` goes on.',
  simulated: { versions: ['v1.37.2'], try: importsAndGoesOn },
}
