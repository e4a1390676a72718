import { restoreLearnerGate } from '@quorate/agent/ops/restore-learner-gate'
import { updateClusterInfo } from '@quorate/agent/ops/update-cluster-info'
import { updateKubeProxy } from '@quorate/agent/ops/update-kube-proxy'
import { updateKubeadmConfig } from '@quorate/agent/ops/update-kubeadm-config'
import { useEtcdLearners } from '@quorate/agent/ops/use-etcd-learners'
import { sha256Hex } from '@quorate/shared/hash'
import t from 'tap'
import { parse } from 'yaml'
import type { Json } from '../../../../support/api-server.js'
import { type ControlPlaneNode, controlPlaneNode, runId } from '../../../../support/control-plane-node.js'

const paths = {
  config: '/api/v1/namespaces/kube-system/configmaps/kubeadm-config',
  info: '/api/v1/namespaces/kube-public/configmaps/cluster-info',
  proxy: '/api/v1/namespaces/kube-system/configmaps/kube-proxy',
  daemonSet: '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy',
  proxyPods: '/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-proxy',
}
const server = 'https://apiserver.example.com:8443'
const header = undefined
/** Of kube-proxy: a rolling restart of every pod. */
const all = { onlyNodes: [], putBack: undefined }

const data = (node: ControlPlaneNode, path: string, key: string): string => node.api.objects.get(path)?.['data'][key]

for (const version of ['v1.30.4', 'v1.37.2'] as const) {
  t.test(`${version}: kubeadm-config gets the endpoint and its SANs, and nothing else`, async (t) => {
    const node = await controlPlaneNode(t, { version })
    const before = data(node, paths.config, 'ClusterConfiguration')
    const request = {
      header,
      controlPlaneEndpoint: 'apiserver.example.com:8443',
      certSans: ['apiserver.example.com', '192.168.13.100'],
      expectedSha256: sha256Hex(before),
      extras: [],
    }
    const result = await updateKubeadmConfig.run(request, node.context())
    const after = data(node, paths.config, 'ClusterConfiguration')
    t.same(result.touched, [
      { name: 'configmap/kube-system/kubeadm-config', sha256Before: sha256Hex(before), sha256After: sha256Hex(after) },
    ])
    const expected = parse(before)
    expected.controlPlaneEndpoint = 'apiserver.example.com:8443'
    expected.apiServer = { ...expected.apiServer, certSANs: ['apiserver.example.com', '192.168.13.100'] }
    t.same(parse(after), expected)
    t.match(node.text(`/var/lib/quorate-agent/backups/${runId}/index.json`), 'configmap/kube-system/kubeadm-config')
    const again = await updateKubeadmConfig.run(request, node.context('op-2'))
    t.ok(again.unchanged, 'what is there already is not an edit, although its hash is no longer the planned one')
    t.equal(node.api.asked.filter((line) => line.startsWith('PUT')).length, 1)
  })

  t.test(`${version}: cluster-info gets the server; the signatures are left to their signer`, async (t) => {
    const node = await controlPlaneNode(t, { version })
    const before = node.api.objects.get(paths.info)?.['data']
    const result = await updateClusterInfo.run(
      { header, server, expectedSha256: sha256Hex(before.kubeconfig) },
      node.context(),
    )
    t.notOk(result.unchanged)
    const after = node.api.objects.get(paths.info)?.['data']
    t.equal(after.kubeconfig, before.kubeconfig.replace('https://192.168.13.30:6443', server))
    t.same({ ...after, kubeconfig: '' }, { ...before, kubeconfig: '' })
  })
}

t.test('a text that the plan did not see is left alone, and the drift is shown', async (t) => {
  const node = await controlPlaneNode(t)
  const planned = data(node, paths.config, 'ClusterConfiguration')
  const request = {
    header,
    controlPlaneEndpoint: 'apiserver.example.com:8443',
    certSans: [],
    expectedSha256: sha256Hex(planned),
    extras: [],
  }
  await updateKubeadmConfig.run(request, node.context())
  const object = node.api.objects.get(paths.config) as Json
  const foreign = planned.replace('clusterName: kubernetes', 'clusterName: other')
  node.api.objects.set(paths.config, { ...object, data: { ClusterConfiguration: foreign } })
  await t.rejects(updateKubeadmConfig.run(request, node.context('op-2')), {
    code: 'DRIFT',
    message: /-clusterName: kubernetes\n\+clusterName: other/,
  })
  t.equal(data(node, paths.config, 'ClusterConfiguration'), foreign)
})

t.test('a cluster without kubeadm-config was not made by kubeadm', async (t) => {
  const node = await controlPlaneNode(t)
  node.api.objects.delete(paths.config)
  const request = {
    header,
    controlPlaneEndpoint: 'apiserver.example.com:8443',
    certSans: [],
    expectedSha256: '',
    extras: [],
  }
  await t.rejects(updateKubeadmConfig.run(request, node.context()), { code: 'CONFIG_MAP_INVALID' })
})

t.test('kube-proxy: the ConfigMap, then a rolling restart', async (t) => {
  const node = await controlPlaneNode(t)
  node.api.objects.set(paths.daemonSet, {
    metadata: { name: 'kube-proxy' },
    spec: { template: { spec: { containers: [] } } },
  })
  const before = data(node, paths.proxy, 'kubeconfig.conf')
  const config = data(node, paths.proxy, 'config.conf')
  const request = { header, server, expectedSha256: sha256Hex(before), ...all }
  const { facts } = await updateKubeProxy.run(request, node.context())
  t.equal(data(node, paths.proxy, 'kubeconfig.conf'), before.replace('https://192.168.13.30:6443', server))
  t.equal(data(node, paths.proxy, 'config.conf'), config)
  const template = node.api.objects.get(paths.daemonSet)?.['spec'].template
  t.equal(Date.parse(template.metadata.annotations['kubectl.kubernetes.io/restartedAt']), Number(facts['restarted_at']))
  t.same(template.spec, { containers: [] })
  t.ok((await updateKubeProxy.run(request, node.context('op-2'))).unchanged)
})

t.test('kube-proxy: an attempt that ended between the edit and the restart is finished', async (t) => {
  const node = await controlPlaneNode(t)
  node.api.objects.set(paths.daemonSet, { metadata: { name: 'kube-proxy' } })
  const object = node.api.objects.get(paths.proxy) as Json
  const edited = object['data']['kubeconfig.conf'].replace('https://192.168.13.30:6443', server)
  const metadata = { ...object['metadata'], managedFields: [{ time: '2026-11-22T18:00:00Z' }] }
  node.api.objects.set(paths.proxy, { ...object, metadata, data: { ...object['data'], 'kubeconfig.conf': edited } })
  const pods = (startTime: string) =>
    node.api.objects.set(paths.proxyPods, { items: [{ metadata: { name: 'kube-proxy-x' }, status: { startTime } }] })
  pods('2026-11-22T17:30:00Z')
  const result = await updateKubeProxy.run({ header, server, expectedSha256: 'of-the-plan', ...all }, node.context())
  t.notOk(result.unchanged)
  t.ok(node.api.objects.get(paths.daemonSet)?.['spec'].template.metadata.annotations)
  pods('2026-11-22T18:00:05Z')
  t.ok((await updateKubeProxy.run({ header, server, expectedSha256: '', ...all }, node.context('op-2'))).unchanged)
})

const podOf = (name: string, nodeName: string, ready = true) => ({
  metadata: { name },
  spec: { nodeName },
  status: { startTime: '2026-11-22T17:30:00Z', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})

t.test(
  'kube-proxy: only some nodes: their pods one after the other, the DaemonSet and the others untouched',
  async (t) => {
    const node = await controlPlaneNode(t)
    const daemonSet = { metadata: { name: 'kube-proxy' }, spec: { template: { metadata: { labels: {} } } } }
    node.api.objects.set(paths.daemonSet, daemonSet)
    const items = ['cp1', 'w1', 'w2'].map((name) => podOf(`old-${name}`, name))
    const pods = (of: readonly Json[]) => {
      for (const pod of of) node.api.objects.set(`/api/v1/namespaces/kube-system/pods/${pod['metadata'].name}`, pod)
      node.api.objects.set(paths.proxyPods, { items: of })
    }
    pods(items)
    // What the DaemonSet controller does: a pod that is gone gets a successor, which is not ready at once.
    const together: string[] = []
    const controller = setInterval(() => {
      const here = (node.api.objects.get(paths.proxyPods) as { items: Json[] }).items
      const gone = here.filter(
        (pod) => !node.api.objects.has(`/api/v1/namespaces/kube-system/pods/${pod['metadata'].name}`),
      )
      const unready = here.filter((pod) => pod['status'].conditions[0].status === 'False')
      if (gone.length + unready.length > 1) together.push('two at once')
      pods(
        here.map((pod) => {
          const { nodeName } = pod['spec']
          if (unready.includes(pod)) return podOf(pod['metadata'].name, nodeName)
          return gone.includes(pod) ? podOf(`new-${nodeName}`, nodeName, false) : pod
        }),
      )
    }, 20)
    t.teardown(() => clearInterval(controller))
    const request = { header, server, expectedSha256: '', onlyNodes: ['cp1', 'w1'], putBack: undefined }
    const { facts } = await updateKubeProxy.run(request, node.context())
    t.equal(facts['restart'], 'replaced its pods on cp1, w1')
    t.same(
      (node.api.objects.get(paths.proxyPods) as { items: Json[] }).items.map((pod) => pod['metadata'].name),
      ['new-cp1', 'new-w1', 'old-w2'],
    )
    t.same(together, [])
    t.same(node.api.objects.get(paths.daemonSet), daemonSet)
  },
)

t.test('kube-proxy: a pod that is not ready is replaced, and its successor is not waited for', async (t) => {
  const node = await controlPlaneNode(t)
  const items = [podOf('old-w1', 'w1', false)]
  node.api.objects.set(paths.proxyPods, { items })
  node.api.objects.set('/api/v1/namespaces/kube-system/pods/old-w1', items[0] as Json)
  const request = { header, server, expectedSha256: '', onlyNodes: ['w1'], putBack: undefined }
  const { facts } = await updateKubeProxy.run(request, node.context())
  t.equal(facts['restart'], 'replaced its pods on w1')
  t.notOk(node.api.objects.has('/api/v1/namespaces/kube-system/pods/old-w1'))
})

t.test('kube-proxy: the undo of a rolling restart puts its mark back, and by that rolls again', async (t) => {
  const mark = 'kubectl.kubernetes.io/restartedAt'
  for (const before of ['', '2026-01-01T00:00:00Z']) {
    const node = await controlPlaneNode(t)
    const annotations = before === '' ? {} : { [mark]: before }
    node.api.objects.set(paths.daemonSet, { metadata: {}, spec: { template: { metadata: { annotations } } } })
    const old = data(node, paths.proxy, 'kubeconfig.conf')
    const { facts } = await updateKubeProxy.run({ header, server, expectedSha256: '', ...all }, node.context())
    t.equal(facts['restarted_before'], before)
    t.match(facts['server_before'], /^https:/, 'what a rollback points it at again')
    const annotationsNow = () => node.api.objects.get(paths.daemonSet)?.['spec'].template.metadata.annotations
    t.ok(annotationsNow()[mark] > '2026-02')
    const undo = { header, server: 'https://192.168.13.30:6443', expectedSha256: '', onlyNodes: [] }
    await updateKubeProxy.run({ ...undo, putBack: { restartedAt: before } }, node.context('op-2'))
    t.same(annotationsNow(), annotations)
    t.equal(data(node, paths.proxy, 'kubeconfig.conf'), old)
  }
})

t.test('kube-proxy: a cluster without it has nothing to change', async (t) => {
  const node = await controlPlaneNode(t)
  node.api.objects.delete(paths.proxy)
  t.match(await updateKubeProxy.run({ header, server, expectedSha256: '', ...all }, node.context()), {
    unchanged: true,
    summary: /not installed/,
  })
})

t.test('the gate of learners: set for the joins, and put back byte for byte whatever died in between', async (t) => {
  const shapes: Record<string, (text: string) => string> = {
    'no gates': (text) => text,
    'an empty map': (text) => `${text}featureGates: {} # none yet\n`,
    'nothing in it': (text) => `${text}featureGates:\n`,
    'other gates': (text) => `${text}featureGates:\n  RootlessControlPlane: false\n`,
    'in one line': (text) => `${text}featureGates: {RootlessControlPlane: false}\n`,
    'turned off': (text) => `${text}featureGates:\n  # slow disks\n  EtcdLearnerMode:   false\n`,
    'turned off, CRLF': (text) => `${text}featureGates:\n  EtcdLearnerMode: False\n`.replaceAll('\n', '\r\n'),
  }
  for (const [shape, make] of Object.entries(shapes)) {
    const node = await controlPlaneNode(t, { version: 'v1.30.4' })
    const stored = (): string => data(node, paths.config, 'ClusterConfiguration')
    const store = (text: string) => {
      const object = node.api.objects.get(paths.config) as Json
      node.api.objects.set(paths.config, { ...object, data: { ClusterConfiguration: text } })
    }
    const before = make(stored().replace(/featureGates:.*\n/, ''))
    store(before)
    const request = { header, expectedSha256: sha256Hex(before) }
    const set = await useEtcdLearners.run(request, node.context('op-1'))
    const after = stored()
    const { featureGates = {}, ...rest } = parse(before)
    t.same(parse(after), { ...rest, featureGates: { ...featureGates, EtcdLearnerMode: true } }, shape)
    t.same(set.touched, [
      { name: 'configmap/kube-system/kubeadm-config', sha256Before: sha256Hex(before), sha256After: sha256Hex(after) },
    ])
    t.ok((await useEtcdLearners.run(request, node.context('op-2'))).unchanged, 'asked again')
    // Between the two writes something died: what was there is kept already, the ConfigMap is not written.
    store(before)
    t.ok((await restoreLearnerGate.run({ header }, node.context('op-3'))).unchanged)
    t.equal(stored(), before)
    await useEtcdLearners.run(request, node.context('op-4'))
    await restoreLearnerGate.run({ header }, node.context('op-5'))
    t.equal(stored(), before, `${shape}: byte for byte`)
    t.ok((await restoreLearnerGate.run({ header }, node.context('op-6'))).unchanged, 'twice')
  }
})

t.test('somebody else changed kubeadm-config while the gate was set', async (t) => {
  const node = await controlPlaneNode(t, { version: 'v1.30.4' })
  const object = node.api.objects.get(paths.config) as Json
  const stored = (): string => data(node, paths.config, 'ClusterConfiguration')
  const store = (text: string) =>
    node.api.objects.set(paths.config, { ...object, data: { ClusterConfiguration: text } })
  await useEtcdLearners.run({ header, expectedSha256: '' }, node.context('op-1'))
  const foreign = stored().replace('clusterName: kubernetes', 'clusterName: other')
  store(foreign)
  await t.rejects(restoreLearnerGate.run({ header }, node.context('op-2')), {
    code: 'DRIFT',
    remedy: /under featureGates delete the line EtcdLearnerMode/,
  })
  t.equal(stored(), foreign, 'left alone')
  store(foreign.replace(/ *EtcdLearnerMode.*\n/, ''))
  t.ok((await restoreLearnerGate.run({ header }, node.context('op-3'))).unchanged, 'by hand')
  t.ok((await restoreLearnerGate.run({ header }, node.context('op-4'))).unchanged)
})
