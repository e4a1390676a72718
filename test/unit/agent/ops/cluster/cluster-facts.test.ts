import { wholeWords } from '@quorate/agent/ops/cluster/matching-lines'
import { deleteNode } from '@quorate/agent/ops/delete-node'
import { getClusterFacts } from '@quorate/agent/ops/get-cluster-facts'
import { sha256Hex } from '@quorate/shared/hash'
import t from 'tap'
import { type ControlPlaneNode, controlPlaneNode, nodeName } from '../../../../support/control-plane-node.js'

const signal = new AbortController().signal
const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-11-22T17:40:00Z' }

function populate({ api }: ControlPlaneNode): void {
  const at = (path: string, value: object) => void api.objects.set(path, value)
  at('/version', { gitVersion: 'v1.37.2' })
  at('/api/v1/nodes', {
    items: [
      {
        metadata: { name: nodeName, uid: 'u1', labels: { 'node-role.kubernetes.io/control-plane': '' } },
        spec: {
          taints: [
            { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
            { key: 'a', value: 'b', effect: 'NoExecute' },
          ],
        },
        status: {
          addresses: [
            { type: 'Hostname', address: nodeName },
            { type: 'InternalIP', address: '192.168.13.30' },
          ],
          conditions: [{ type: 'DiskPressure', status: 'False' }, ready],
          nodeInfo: { kubeletVersion: 'v1.37.2', osImage: 'Debian GNU/Linux 12' },
        },
      },
      { metadata: { name: 'w1' }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
    ],
  })
  at('/apis/coordination.k8s.io/v1/leases', {
    items: [
      {
        metadata: { namespace: 'kube-node-lease', name: nodeName },
        spec: { holderIdentity: nodeName, renewTime: '2026-11-22T17:41:00.123456Z' },
      },
      {
        metadata: { namespace: 'kube-system', name: 'kube-scheduler' },
        spec: { holderIdentity: 'cp1_x', renewTime: null },
      },
    ],
  })
  at('/api/v1/namespaces/kube-system/pods', {
    items: [
      {
        metadata: { namespace: 'kube-system', name: 'etcd-cp1', labels: { component: 'etcd' } },
        spec: { nodeName },
        status: { startTime: '2026-11-22T17:29:15Z', conditions: [ready] },
      },
      {
        metadata: {
          namespace: 'kube-system',
          name: 'coredns-7d4-x',
          labels: { 'k8s-app': 'kube-dns', 'pod-template-hash': '7d4' },
          deletionTimestamp: '2026-11-22T17:41:30Z',
        },
        spec: { nodeName },
        status: { startTime: '2026-11-22T17:29:15Z', conditions: [ready] },
      },
    ],
  })
  at('/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy', {
    metadata: { name: 'kube-proxy', generation: 2 },
    spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-11-22T17:45:00Z' } } } },
    status: { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 2, numberAvailable: 1 },
  })
  at(
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes',
    {
      items: [{ endpoints: [{ addresses: ['192.168.13.30'] }] }],
    },
  )
}

t.test('one answer with all that the cluster says of itself', async (t) => {
  const node = await controlPlaneNode(t)
  populate(node)
  const { facts } = await getClusterFacts.run({ find: [], joinRights: false, apiService: false }, node.tools, signal)
  const config = node.api.objects.get('/api/v1/namespaces/kube-system/configmaps/kubeadm-config')
  t.match(facts, {
    kubernetesVersion: 'v1.37.2',
    kubeadmConfig: { present: true, resourceVersion: '220', sha256: sha256Hex(config?.['data'].ClusterConfiguration) },
    clusterInfo: { present: true, text: /server: https:\/\/192\.168\.13\.30:6443/ },
    kubeletConfig: { present: false },
    kubeProxyRollout: {
      generation: 2,
      observedGeneration: 2,
      desired: 3,
      updated: 2,
      available: 1,
      restartedAt: '2026-11-22T17:45:00Z',
    },
    signedTokenIds: ['dyk4ar', 'ma8fmg', 'pn060m'],
    apiServerAddresses: ['192.168.13.30'],
    anonymousReadyz: true,
  })
  t.match(facts?.nodes[0], {
    name: nodeName,
    internalIps: ['192.168.13.30'],
    ready: true,
    controlPlane: true,
    kubeletVersion: 'v1.37.2',
    leaseRenewedUnixMs: Date.parse('2026-11-22T17:41:00.123Z'),
    heartbeatUnixMs: Date.parse('2026-11-22T17:40:00Z'),
    taints: ['node-role.kubernetes.io/control-plane:NoSchedule', 'a=b:NoExecute'],
  })
  t.match(facts?.nodes[1], { ready: false, controlPlane: false, leaseRenewedUnixMs: 0 })
  t.match(facts?.leases[1], { name: 'kube-scheduler', holder: 'cp1_x', renewedUnixMs: 0 })
  t.match(facts?.pods, [
    { name: 'etcd-cp1', node: nodeName, app: 'etcd', ready: true, startedUnixMs: Date.parse('2026-11-22T17:29:15Z') },
    { name: 'coredns-7d4-x', app: 'kube-dns', ready: true, revision: '7d4', ending: true },
  ])
  t.match(facts?.pods[0], { revision: '', ending: false })
  t.notOk(
    node.api.asked.some((line) => line.includes('/api/v1/configmaps?')),
    'nothing is searched when nothing is asked for',
  )
  t.notOk(
    node.api.asked.some((line) => line.includes('rbac')),
    'nor are roles looked for',
  )
})

t.test('the ClusterStatus that an old kubeadm kept, and the roles that are gone', async (t) => {
  const node = await controlPlaneNode(t)
  const config = node.api.objects.get('/api/v1/namespaces/kube-system/configmaps/kubeadm-config')
  if (config !== undefined) config['data'].ClusterStatus = 'apiEndpoints: {}'
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const have = ['roles', 'rolebindings'].flatMap((kind) => [
    `${rbac}/namespaces/kube-public/${kind}/kubeadm:bootstrap-signer-clusterinfo`,
    `${rbac}/namespaces/kube-system/${kind}/kubeadm:nodes-kubeadm-config`,
  ])
  for (const path of [...have, `${rbac}/namespaces/kube-system/roles/kubeadm:kubelet-config`])
    node.api.objects.set(path, {})
  for (const name of ['get-nodes', 'kubelet-bootstrap'])
    node.api.objects.set(`${rbac}/clusterrolebindings/kubeadm:${name}`, {})
  const { facts } = await getClusterFacts.run({ find: [], joinRights: true, apiService: false }, node.tools, signal)
  t.match(facts?.clusterStatus, { present: true, text: 'apiEndpoints: {}' })
  t.same(facts?.missingJoinRights, [
    'rolebinding/kube-system/kubeadm:kubelet-config',
    'clusterrole/kubeadm:get-nodes',
    'clusterrolebinding/kubeadm:node-autoapprove-bootstrap',
  ])
})

t.test('finds who still names the first control plane, wherever it is, as a whole word', async (t) => {
  const node = await controlPlaneNode(t)
  const list = (path: string, ...items: object[]) => void node.api.objects.set(path, { items })
  list('/api/v1/configmaps', {
    metadata: { namespace: 'kube-system', name: 'calico-config' },
    data: {
      a: 'x\n  api: "https://192.168.13.30:6443"\ntoken: abcdef.0123456789abcdef 192.168.13.30\n',
      b: '192.168.13.300 or 1192.168.13.30',
    },
  })
  list('/apis/apps/v1/daemonsets', {
    metadata: { namespace: 'kube-system', name: 'calico-node' },
    spec: {
      template: {
        spec: {
          initContainers: [{ name: 'install', command: ['sh', '-c', 'curl https://k8smaster1.example.com:6443'] }],
          containers: [
            {
              name: 'node',
              args: ['--x'],
              env: [{ name: 'KUBERNETES_SERVICE_HOST', value: '192.168.13.30' }, { name: 'N' }],
            },
          ],
        },
      },
    },
  })
  list('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    metadata: { name: 'guard' },
    webhooks: [
      { name: 'g.example.com', clientConfig: { url: 'https://192.168.13.30:9443/v' } },
      { name: 'in-cluster', clientConfig: {} },
    ],
  })
  const byHand = 'labelSelector=endpointslice.kubernetes.io%2Fmanaged-by%21%3Dendpointslice-controller.k8s.io'
  list(
    `/apis/discovery.k8s.io/v1/endpointslices?${byHand}`,
    {
      metadata: { namespace: 'default', name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      endpoints: [{ addresses: ['192.168.13.30'] }],
      ports: [{ port: 6443 }],
    },
    {
      metadata: { namespace: 'default', name: 'api-outside' },
      endpoints: [{ addresses: ['192.168.13.30', '192.168.13.99'] }],
      ports: [{ port: 6443 }, { port: 9100 }],
    },
  )
  list('/api/v1/services', {
    metadata: { namespace: 'default', name: 'api' },
    spec: { externalName: 'k8smaster1.example.com' },
  })
  list('/apis/monitoring.coreos.com/v1alpha1/scrapeconfigs', {
    metadata: { namespace: 'monitoring', name: 'api' },
    spec: { staticConfigs: [{ targets: ['192.168.13.30:6443'] }] },
  })
  const { facts } = await getClusterFacts.run(
    { find: ['192.168.13.30', 'k8smaster1.example.com'], joinRights: false, apiService: false },
    node.tools,
    signal,
  )
  t.same(facts?.references, [
    { where: 'configmap/kube-system/calico-config data.a', line: 'api: "https://192.168.13.30:6443"' },
    { where: 'configmap/kube-system/calico-config data.a', line: 'token: [redacted] 192.168.13.30' },
    {
      where: 'daemonset/kube-system/calico-node container install args',
      line: 'curl https://k8smaster1.example.com:6443',
    },
    { where: 'daemonset/kube-system/calico-node container node env KUBERNETES_SERVICE_HOST', line: '192.168.13.30' },
    { where: 'validatingwebhookconfiguration/guard webhook g.example.com', line: 'https://192.168.13.30:9443/v' },
    { where: 'endpointslice/default/api-outside endpoints', line: '192.168.13.30:6443' },
    { where: 'endpointslice/default/api-outside endpoints', line: '192.168.13.30:9100' },
    { where: 'service/default/api spec.externalName', line: 'k8smaster1.example.com' },
    { where: 'scrapeconfig/monitoring/api spec', line: '"192.168.13.30:6443"' },
  ])
})

t.test('whole words', (t) => {
  const matches = (find: string, text: string): boolean => wholeWords([find]).test(text)
  t.ok(matches('cp1', 'https://cp1:6443'))
  t.ok(matches('192.168.13.30', 'see 192.168.13.30.'))
  for (const other of ['cp10', 'cp1-a', 'my-cp1', 'cp1.example.com', 'x.cp1']) t.notOk(matches('cp1', other), other)
  t.notOk(matches('192.168.13.30', '192x168.13.30'), 'a dot is a dot')
  t.end()
})

t.test('deletes a Node object, once, and never its own', async (t) => {
  const node = await controlPlaneNode(t)
  node.api.objects.set('/api/v1/nodes/cp2', { metadata: { name: 'cp2' } })
  const pod = '/api/v1/namespaces/kube-system/pods/kube-proxy-x'
  node.api.objects.set(pod, { metadata: { namespace: 'kube-system', name: 'kube-proxy-x' } })
  node.api.objects.set('/api/v1/pods?fieldSelector=spec.nodeName%3Dcp2', { items: [node.api.objects.get(pod)] })
  t.notOk((await deleteNode.run({ header: undefined, name: 'cp2' }, node.context())).unchanged)
  t.notOk(node.api.objects.has('/api/v1/nodes/cp2'))
  t.notOk(node.api.objects.has(pod), 'nor are its pods left')
  t.ok((await deleteNode.run({ header: undefined, name: 'cp2' }, node.context('op-2'))).unchanged)
  await t.rejects(deleteNode.run({ header: undefined, name: nodeName }, node.context('op-3')), { code: 'NOT_IN_TABLE' })
  await t.rejects(deleteNode.run({ header: undefined, name: 'x/../secrets' }, node.context('op-4')), {
    code: 'INVALID_REQUEST',
  })
})
