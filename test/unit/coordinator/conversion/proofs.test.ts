import { decideEndpointPolicy } from '@quorate/coordinator/conversion/context/endpoint-policy'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { firstOf, oldAddressFindings, userOf } from '@quorate/coordinator/conversion/endpoint/old-address'
import { userKinds } from '@quorate/coordinator/conversion/endpoint/old-address-users'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { hairpinProof } from '@quorate/coordinator/conversion/proofs/hairpin'
import { prove } from '@quorate/coordinator/conversion/proofs/prove'
import { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'
import { fixture } from '../../../support/fixtures.js'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const order: readonly ConversionStep[] = conversionOrder
const signal = new AbortController().signal

// Proofs that look again for seconds before they say no: such tests wait side by side.
t.jobs = 8
const waits = { buffered: true }

async function converted(): Promise<PaperCluster> {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const step of order) {
    run.refresh()
    for (const action of await step.plan(run)) await step.apply(run, action, paperCall())
  }
  return paper
}

const failing = async (paper: PaperCluster): Promise<string[]> => {
  const { proofs } = await prove(paper.run(), allProofs, signal)
  return proofs.filter(({ holds }) => !holds).map(({ id }) => id)
}

t.test('all proofs hold on a converted cluster, and each says what it saw', async (t) => {
  const { highlyAvailable, proofs } = await prove((await converted()).run(), allProofs, signal)
  t.same(
    proofs.flatMap(({ findings }) => findings),
    [],
  )
  t.ok(highlyAvailable)
  for (const { id, evidence } of proofs.filter((one) => allProofs.some((proof) => proof.id === one.id)))
    t.ok(evidence.length > 0, id)
})

t.test('each thing that was seen has its time', async (t) => {
  const before = Date.now()
  const { proofs } = await prove((await converted()).run(), allProofs, signal)
  const times = proofs.flatMap(({ evidence }) => evidence.map(({ at }) => at ?? 0))
  t.ok(times.length > 20)
  t.ok(times.every((at) => at >= before && at <= Date.now()))
})

t.test('a cluster that was never converted fails most of them', waits, async (t) => {
  const missing = await failing(new PaperCluster('v1.37.2'))
  for (const id of [
    'endpoint-name',
    'endpoint-answers',
    'load-balancer',
    'etcd',
    'nodes-ready',
    'api-endpoints',
    'kubeadm-config',
    'cluster-info',
    'kube-proxy',
    'kubeconfigs',
    'coredns',
  ]) {
    t.ok(missing.includes(id), id)
  }
})

t.test('of a machine that is still to join it says only that, and how it is joined', waits, async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const { proofs } = await prove(paper.run(), allProofs, signal)
  const told = proofs.flatMap(({ findings }) => findings).filter(({ node }) => /master[23]/.test(node ?? ''))
  t.match(told, [
    {
      id: 'nodes-ready',
      node: /master2/,
      message: /not a control plane of the cluster yet/,
      remedy: /quorate convert/,
    },
    {
      id: 'nodes-ready',
      node: /master3/,
      message: /not a control plane of the cluster yet/,
      remedy: /quorate convert/,
    },
  ])
  t.equal(told.length, 2)
})

t.test(
  'a control plane that lost its Node object is not taken for a machine that is still to join',
  waits,
  async (t) => {
    const paper = await converted()
    paper.cluster.nodes = paper.cluster.nodes.filter(({ name }) => !name.startsWith('k8smaster2'))
    const { proofs } = await prove(paper.run(), allProofs, signal)
    t.match(
      proofs.find(({ id }) => id === 'nodes-ready')?.findings.map(({ message, evidence }) => ({ message, evidence })),
      [{ message: /not Ready or has the wrong role/, evidence: 'no such Node' }],
    )
  },
)

type Break = (paper: PaperCluster) => void
const breaks: Record<string, Break> = {
  'endpoint-name': (paper) => {
    const { facts } = paper.node('k8sworker2')
    facts.hostsFile = ''
  },
  'endpoint-answers': (paper) => {
    paper.world.probe = (from, { host }) =>
      from.startsWith('k8sworker2') && host === 'apiserver.example.com' ? { error: 'connect ETIMEDOUT' } : undefined
  },
  'apiserver-certificates': (paper) => {
    paper.world.probe = (_, { host, port, path }) =>
      host === '192.168.13.32' && port === 6443 && path === '/readyz'
        ? { reached: 'tls', error: 'certificate is not for apiserver.example.com' }
        : undefined
  },
  'load-balancer': (paper) => {
    paper.node('k8smaster3').backends = []
  },
  'certificate-names': (paper) => {
    const [own] = paper.node('k8smaster2').facts.certificates
    if (own !== undefined) own.sans = own.sans.filter((san) => san !== '192.168.13.100')
  },
  'certificate-expiry': (paper) => {
    const [own] = paper.node('k8smaster3').facts.certificates
    if (own !== undefined) own.notAfterUnixMs = Date.now() + 86_400_000
  },
  'virtual-ip': (paper) => {
    paper.node('k8smaster3').facts.interfaces[0]?.addresses.push('192.168.13.100/24')
  },
  'separate-machines': (paper) => {
    paper.node('k8smaster3').facts.machineId = paper.node('k8smaster1').facts.machineId
  },
  'etcd-addresses': (paper) => {
    const command = ['etcd', '--listen-client-urls=https://127.0.0.1:2379']
    // On all of them, or they differ too.
    for (const short of ['k8smaster1', 'k8smaster2', 'k8smaster3'])
      for (const pod of paper.node(short).facts.staticPods) if (pod.component === 'etcd') pod.command = command
  },
  'control-planes-alike': (paper) => {
    paper.node('k8smaster2').facts.staticPods[0]?.command.push('--profiling=false')
  },
  'etcd-topology': (paper) => {
    const config = paper.configMap('kubeadmConfig')
    config.text = config.text.replace(/local:\n.*\n/, 'external:\n    endpoints: ["https://127.0.0.1:2379"]\n')
  },
  leases: (paper) => {
    paper.node('k8smaster1').clockAheadMs = 60_000
  },
  etcd: (paper) => {
    paper.members.push(
      EtcdMember.fromPartial({ id: 'x', name: '', learner: true, peerUrls: ['https://192.168.13.33:2380'] }),
    )
  },
  'nodes-ready': (paper) => {
    for (const node of paper.cluster.nodes) if (node.name.startsWith('k8smaster2')) node.ready = false
  },
  'api-endpoints': (paper) => {
    paper.cluster.apiServerAddresses.pop()
  },
  'kubeadm-config': (paper) => {
    const config = paper.configMap('kubeadmConfig')
    config.text = config.text.replace(/^controlPlaneEndpoint:.*\n/m, '')
  },
  'cluster-info': (paper) => {
    const info = paper.configMap('clusterInfo')
    info.text = pointKubeconfigAt(info.text, 'https://other.example.com:6443', place)
  },
  'kube-proxy': (paper) => {
    Object.assign(paper.cluster.kubeProxyRollout as object, {
      restartedAt: new Date(Date.now() + 60_000).toISOString(),
    })
  },
  kubeconfigs: (paper) => {
    for (const file of paper.node('k8sworker1').kubeconfigs)
      file.text = pointKubeconfigAt(file.text, 'https://other.example.com:6443', place)
    paper.node('k8sworker1').connected.set('kubelet', 'https://192.168.13.99:6443')
  },
  'kubelet-sockets': (paper) => {
    paper.node('k8sworker1').connected.set('kubelet', 'https://192.168.13.30:6443')
  },
  coredns: (paper) => {
    for (const pod of paper.cluster.pods) if (pod.app === 'kube-dns') pod.node = 'k8smaster1.example.com'
  },
  hairpin: (paper) => {
    let turn = 0
    paper.world.probe = (from, { host }) =>
      from.startsWith('k8smaster2') && host === 'apiserver.example.com' && turn++ % 3 === 0
        ? { reached: 'tcp', error: 'no answer within 2000 ms' }
        : undefined
  },
  'disk-latency': (paper) => {
    paper.world.diskMs['k8smaster3.example.com'] = 2_400
  },
  'kubelets-reached': (paper) => {
    paper.world.unreached = ['k8sworker1.example.com']
  },
  mtu: (paper) => {
    for (const one of paper.node('k8smaster2').facts.interfaces) one.mtu = 1_400
  },
  'scan-for-old-address': (paper) => {
    const info = paper.configMap('clusterInfo')
    info.text += '# https://192.168.13.30:6443\n'
  },
}

/** What is no reason to say that it is not highly available. */
const onlyWarned = new Set(['mtu', 'hairpin'])

t.test('there is a break for every proof', async (t) => {
  t.same(Object.keys(breaks).sort(), allProofs.map(({ id }) => id).sort())
})

for (const [id, breakIt] of Object.entries(breaks)) {
  t.test(`${id} is lost when its own property is lost`, waits, async (t) => {
    const paper = await converted()
    breakIt(paper)
    const { proofs } = await prove(paper.run(), allProofs, signal)
    const { holds, findings } = proofs.find((proof) => proof.id === id) as (typeof proofs)[number]
    t.equal(holds, onlyWarned.has(id))
    t.ok(findings.length > 0)
  })
}

t.test("a kubelet's own probe of its API server is no connection that it works through", async (t) => {
  const paper = await converted()
  const { connected } = paper.node('k8sworker1')
  const server = connected.get('kubelet') ?? ''
  let looks = 0
  // The first look meets the probe, by the next it is gone.
  connected.get = (process) => {
    if (process !== 'kubelet') return Map.prototype.get.call(connected, process)
    return looks++ === 0 ? 'https://192.168.13.30:6443' : server
  }
  Object.assign(connected, {
    *[Symbol.iterator]() {
      for (const process of connected.keys()) yield [process, connected.get(process)]
    },
  })
  t.notOk((await failing(paper)).includes('kubelet-sockets'))
  t.ok(looks > 1)
})

t.test('keepalived that does not run, and an address that nobody holds', waits, async (t) => {
  const paper = await converted()
  for (const unit of paper.node('k8smaster2').facts.units)
    if (unit.name.endsWith('keepalived')) unit.activeState = 'failed'
  const { proofs } = await prove(paper.run(), allProofs, signal)
  const found = proofs.flatMap(({ findings }) => findings.map(({ id, node }) => `${id} ${node}`))
  t.same(found, ['virtual-ip k8smaster2.example.com'])
  const nobody = await converted()
  for (const { facts } of nobody.nodes.values())
    for (const each of facts.interfaces)
      each.addresses = each.addresses.filter((address) => !address.startsWith('192.168.13.100/'))
  t.same(await failing(nobody), ['virtual-ip'])
})

t.test('a member of etcd that is on no control plane of the file is a stranger', async (t) => {
  const paper = await converted()
  const stranger = { id: 'x', name: 'elsewhere', peerUrls: ['https://192.168.13.99:2380'] }
  paper.members.push(EtcdMember.fromPartial({ ...stranger, status: { version: '3.6.5', clusterId: 'c1' } }))
  t.same(await failing(paper), ['etcd'])
})

t.test('one product_uuid is a warning, and so is a name that only some certificates have', async (t) => {
  const paper = await converted()
  for (const { facts } of paper.nodes.values()) facts.productUuid = '4c4c4544'
  paper.node('k8smaster1').facts.certificates[0]?.sans.push('old.example.com')
  const { proofs, highlyAvailable } = await prove(paper.run(), allProofs, signal)
  t.ok(highlyAvailable)
  const found = proofs.flatMap(({ findings }) => findings.map(({ id, severity }) => `${id} ${severity}`))
  t.same(found, [...Array(2).fill('certificate-names warning'), ...Array(2).fill('separate-machines warning')])
})

t.test('a kubelet of a control plane may go to the endpoint too, as kubeadm before 1.33 has it', async (t) => {
  const paper = await converted()
  const node = paper.node('k8smaster2')
  for (const file of node.kubeconfigs)
    if (file.purpose === 'kubelet')
      file.text = pointKubeconfigAt(file.text, 'https://apiserver.example.com:8443', place)
  node.connected.set('kubelet', 'https://apiserver.example.com:8443')
  const { proofs, highlyAvailable } = await prove(paper.run(), allProofs, signal)
  t.ok(highlyAvailable)
  t.match(
    proofs.flatMap(({ findings }) => findings),
    [{ id: 'kubeconfigs', severity: 'warning', node: 'k8smaster2.example.com' }],
  )
})

t.test(
  'where kubelets of control planes go through the load balancer, one that cannot lead them back is no proof',
  async (t) => {
    const paper = await converted()
    breaks['hairpin']?.(paper)
    const run = paper.run()
    const through = { ...run, endpointPolicy: async () => decideEndpointPolicy('v1.30.4', 'auto') }
    const { findings } = await hairpinProof.prove(through, signal)
    t.match(findings, [
      { severity: 'error', node: 'k8smaster2.example.com', evidence: /connections failed: no answer/ },
    ])
  },
)

t.test('two voters are not enough, and an even number is no better', async (t) => {
  const paper = await converted()
  paper.members.pop()
  t.ok((await failing(paper)).includes('etcd'))
})

t.test('what names the old address, and what only looks so', async (t) => {
  const run = new PaperCluster('v1.37.2').run()
  const first = firstOf(run, await run.nodeFacts(run.first))
  const cases: readonly [string, string, boolean][] = [
    ['configmap/kube-system/kube-proxy data.kubeconfig.conf', 'server: https://192.168.13.30:6443', true],
    ['configmap/x/y data.z', 'server: https://k8smaster1.example.com:6443', true],
    ['daemonset/kube-system/cilium container agent env KUBERNETES_SERVICE_HOST', '192.168.13.30', true],
    ['configmap/kube-system/cilium-config data.k8s-api-server', 'https://192.168.13.30:6443', true],
    ['webhookconfiguration/x webhook y', 'https://192.168.13.30:9443/v', true],
    ['/etc/default/x line 1', 'https://[192.168.13.30]:6443', true],
    ['/etc/default/x line 1', 'NODE_IP=192.168.13.30', false],
    ['configmap/kube-system/kubeadm-config data.ClusterConfiguration', '- 192.168.13.30:6443', false],
    ['configmap/monitoring/targets data.hosts', '- 192.168.13.30:9100', false],
    ['configmap/x/y data.z', 'nodes: 192.168.13.30, 192.168.13.31', false],
    ['configmap/x/y data.z', 'https://192.168.13.30:64430', false],
    ['configmap/x/y data.z', 'https://1192.168.13.30:6443', false],
  ]
  for (const [where, line, stale] of cases)
    t.equal(userOf(run, { where, line }, first) !== undefined, stale, `${where} ${line}`)
  const own = {
    node: run.first.name,
    where: '/etc/kubernetes/scheduler.conf line 5',
    line: 'https://192.168.13.30:6443',
  }
  t.equal(userOf(run, own, first), undefined, 'beside it')
  t.ok(userOf(run, { ...own, node: 'k8sworker1.example.com' }, first), 'elsewhere')
})

t.test('each user is told what to type', async (t) => {
  const run = new PaperCluster('v1.37.2').run()
  const first = firstOf(run, await run.nodeFacts(run.first))
  const server = 'https://192.168.13.30:6443'
  const sed = 's#192\\.168\\.13\\.30:6443#apiserver.example.com:8443#g'
  const cases: readonly [string, string, string][] = [
    ['/root/.kube/config line 5', server, `On that node: sed -i --follow-symlinks '${sed}' /root/.kube/config`],
    [
      '/etc/systemd/system/backup.service.d/api.conf line 2',
      `Environment=API=${server}`,
      `On that node: sed -i --follow-symlinks '${sed}' /etc/systemd/system/backup.service.d/api.conf && systemctl daemon-reload && systemctl restart backup.service`,
    ],
    [
      '/etc/default/exporter line 1',
      server,
      `On that node: sed -i --follow-symlinks '${sed}' /etc/default/exporter && systemctl daemon-reload && systemctl restart exporter`,
    ],
    [
      'configmap/app/settings data.url',
      server,
      `kubectl -n app get configmap/settings -o yaml | sed '${sed}' | kubectl replace -f -, and restart what reads it`,
    ],
    [
      'daemonset/kube-system/agent container a env KUBERNETES_SERVICE_HOST',
      '192.168.13.30',
      'kubectl -n kube-system set env daemonset/agent KUBERNETES_SERVICE_HOST=apiserver.example.com KUBERNETES_SERVICE_PORT=8443. If Helm or an operator manages it, change the value there: a direct edit is reverted.',
    ],
    [
      'configmap/kube-system/cilium-config data.k8s-service-host',
      '192.168.13.30',
      'helm -n kube-system upgrade cilium cilium/cilium --reuse-values --set k8sServiceHost=apiserver.example.com --set k8sServicePort=8443',
    ],
    [
      'service/app/api spec.externalName',
      'k8smaster1.example.com',
      `kubectl -n app patch service api --type merge -p '{"spec":{"externalName":"apiserver.example.com"}}'`,
    ],
  ]
  for (const [where, line, remedy] of cases) t.equal(userOf(run, { where, line }, first)?.remedy, remedy, where)
})

t.test('every row of the table of users is met by something', async (t) => {
  const samples = [
    'configmap/kube-system/kubeadm-config data.ClusterConfiguration',
    'configmap/kube-public/cluster-info data.kubeconfig',
    'configmap/kube-system/kube-proxy data.kubeconfig.conf',
    'configmap/kube-system/cilium-config data.x',
    'configmap/kube-system/kubernetes-services-endpoint data.x',
    'statefulset/x/y container z env KUBERNETES_SERVICE_HOST',
    'deployment/x/y container z args',
    'validatingwebhookconfiguration/x webhook y',
    'servicemonitor/x/y spec',
    'endpointslice/x/y endpoints',
    'service/x/y spec.externalName',
    'configmap/x/y data.z',
    '/etc/kubernetes/bootstrap-kubelet.conf line 1',
    '/etc/kubernetes/super-admin.conf line 1',
    '/etc/kubernetes/scheduler.conf line 1',
    '/home/eve/.kube/config line 1',
    '/etc/cni/net.d/calico-kubeconfig line 1',
    '/etc/cni/net.d/x line 1',
    '/var/lib/kubelet/kubeadm-flags.env line 1',
    '/etc/systemd/system/x.service line 1',
    '/etc/sysconfig/x line 1',
    '/etc/prometheus/prometheus.yml line 1',
    '/etc/kubernetes/manifests/x.yaml line 1',
    '/etc/kubernetes/other.conf line 1',
  ]
  const rows = samples.map((where) => userKinds.findIndex(({ recognised }) => recognised({ where, line: 'x' })))
  t.same(
    rows,
    userKinds.map((_, index) => index),
  )
  const steps: readonly string[] = order.map(({ id }) => id)
  for (const { who, fixedBy } of userKinds) t.ok(fixedBy === undefined || steps.includes(fixedBy), who)
})

t.test('what is somebody else’s is told and stops nothing', async (t) => {
  const paper = await converted()
  paper.node('k8sworker1').kubeconfigs.push({
    purpose: 'other',
    path: '/etc/prometheus/prometheus.yml',
    text: fixture('v1.37.2', 'before/worker-kubelet.conf'),
  })
  const findings = await oldAddressFindings(paper.run())
  t.match(findings, [{ severity: 'warning', node: 'k8sworker1.example.com', message: /Prometheus on that machine/ }])
  const { highlyAvailable } = await prove(paper.run(), allProofs, signal)
  t.ok(highlyAvailable)
  const scan = order.find(({ id }) => id === 'scan-for-old-address') as ConversionStep
  const evidence = await scan.verify(paper.run(), { id: 'x', node: 'x', does: '', diffs: [] }, signal, undefined)
  t.match(evidence[1], { what: /prometheus\.yml/, saw: /add every other control plane/ })
})
