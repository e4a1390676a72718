import { conversionOrder } from '@quorate/coordinator/conversion/order'
import t from 'tap'
import { convertUnderProbes, members, nothingFailed, serverIn } from '../support/conversion-assertions.js'
import { againstSchema } from '../support/published-schemas.js'
import { clusterForTest, ended, everything, hashFiles, runOf, stepsOf } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'

t.test('Kubernetes v1.37.2: one control plane becomes three', async (t) => {
  const cluster = await clusterForTest(t, { kubernetesVersion: 'v1.37.2', workers: 2 })
  const local = (node: string): string => `https://${cluster.node(node).address}:6443`
  const before = hashFiles(cluster)

  nothingFailed(t, await convertUnderProbes(cluster))

  t.same(
    stepsOf(cluster),
    conversionOrder.map(({ id }) => id),
    'the steps of the journal are the order',
  )
  t.same(
    (await members(cluster)).map(({ learner, serving }) => ({ learner, serving })),
    Array(3).fill({ learner: false, serving: true }),
  )
  for (const worker of ['w1', 'w2']) t.equal(serverIn(cluster, worker, '/etc/kubernetes/kubelet.conf'), endpoint)
  for (const node of ['cp1', 'cp2', 'cp3']) {
    // A kubelet newer than 1.31 must not talk to an API server that may be older: its own (ControlPlaneKubeletLocalMode).
    for (const file of ['kubelet', 'controller-manager', 'scheduler'])
      t.equal(serverIn(cluster, node, `/etc/kubernetes/${file}.conf`), local(node))
    t.equal(serverIn(cluster, node, '/etc/kubernetes/admin.conf'), endpoint)
  }

  const touched = Object.entries(hashFiles(cluster))
    .filter(([path, hash]) => before[path] !== hash)
    .map(([path]) => path)
  const ofWorkers = touched.filter((path) => path.startsWith('k8sworker') && !path.includes('/var/lib/quorate-agent/'))
  t.same(
    ofWorkers,
    ['k8sworker1.example.com:/etc/kubernetes/kubelet.conf', 'k8sworker2.example.com:/etc/kubernetes/kubelet.conf'],
    'nothing else was touched on workers',
  )
  const ofFirst = touched
    .filter((path) => path.startsWith('k8smaster1') && !/\/(var\/lib|run)\/quorate-agent\//.test(path))
    .map((path) => path.replace('k8smaster1.example.com:', ''))
  t.same(ofFirst.sort(), [
    '/etc/kubernetes/admin.conf',
    '/etc/kubernetes/pki/apiserver.crt',
    '/etc/kubernetes/pki/apiserver.key',
    '/etc/kubernetes/super-admin.conf',
    '/etc/quorate-haproxy/haproxy.cfg',
    '/etc/quorate-keepalived/keepalived.conf',
    '/etc/systemd/system/quorate-haproxy.service',
    '/etc/systemd/system/quorate-keepalived.service',
    '/root/.kube/config',
  ])
  // quorate-haproxy.loaded and quorate-keepalived.loaded say what those programs run with; all else there is for secrets, and temporary.
  const temporary = Object.keys(hashFiles(cluster)).filter(
    (path) => path.includes(':/run/quorate-agent/') && !path.endsWith('.loaded'),
  )
  t.same(temporary, [], 'no secret is left')

  await t.test('its report is what the published schema says, with the cluster before and after', async (t) => {
    const report = JSON.parse((await cluster.quorate(['report', runOf(cluster), '-o', 'json'])).stdout)
    t.same(againstSchema(report), [])
    const { before, after } = report.seen
    const to = (seen: { connections: { node: string; to: string }[] }, node: string) => [
      ...new Set(seen.connections.filter((one) => one.node === node).map((one) => one.to)),
    ]
    t.same(to(before, cluster.node('w1').name), [cluster.node('cp1').name])
    t.same(to(after, cluster.node('w1').name), ['endpoint'])
    t.same([before.members.length, after.members.length], [1, 3])
    t.same(
      after.backends,
      ['cp1', 'cp2', 'cp3'].map((node) => cluster.node(node).name),
    )
    t.same([before.silent, after.silent], [[], []])
  })

  await t.test('verify says so, and a second conversion changes nothing', async (t) => {
    const verified = await cluster.quorate(['verify', '-f', cluster.clusterFile])
    ended(t, verified)
    const converted = await everything(cluster)
    const again = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
    ended(t, again)
    const after = await everything(cluster)
    const ledgers = (files: Record<string, string>) =>
      Object.fromEntries(Object.entries(files).filter(([path]) => !path.includes('/var/lib/quorate-agent/')))
    t.same(ledgers(after.files), ledgers(converted.files))
    t.same(after.objects, converted.objects)
  })

  await t.test(
    'verify sees what a stale cluster-info or a missing controlPlaneEndpoint would do to the next node',
    async (t) => {
      const path = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
      const { body } = await cluster.control.ask<{ body: { data: Record<string, string> } }>('kube', {
        method: 'GET',
        path,
      })
      const good = body.data['kubeconfig'] ?? ''
      const put = (kubeconfig: string) =>
        cluster.control.ask('kube', {
          method: 'PATCH',
          path,
          body: { data: { kubeconfig } },
          contentType: 'application/merge-patch+json',
        })
      await put(good.replace(endpoint, local('cp1')))
      await cluster.control.ask('setEndpoint', { endpoint: '' })
      const verified = await cluster.quorate(['verify', '-f', cluster.clusterFile, '-o', 'json'])
      ended(t, verified, 7)
      t.match(verified.stdout, /"id":"cluster-info"/)
      t.match(verified.stdout, /"id":"kubeadm-config"/)
    },
  )
})
