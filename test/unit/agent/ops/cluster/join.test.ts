import { chmodSync, chownSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { checkJoin } from '@quorate/agent/ops/check-join'
import { placeJoinSecret } from '@quorate/agent/ops/cluster/join-secret'
import { joinControlPlane } from '@quorate/agent/ops/join-control-plane'
import { resetNode } from '@quorate/agent/ops/reset-node'
import type { CheckJoinResponse, JoinSpec } from '@quorate/shared/gen/quorate/v1/node_agent'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { controlPlaneNode, nodeName, runId } from '../../../../support/control-plane-node.js'
import { recipientOf, sealedBy } from '../../../../support/node-identities.js'

const { certPem: caPem } = createFleetCa('cluster')
const endpoint = 'apiserver.example.com:8443'
const secret = { token: 'abcdef.0123456789abcdef', certificateKey: 'a1'.repeat(32), endpoint, caPem }
const spec: JoinSpec = {
  endpoint,
  nodeName: 'k8smaster2.example.com',
  advertiseAddress: '192.168.13.31',
  bindPort: 6443,
  caPin: readCertificate(caPem).publicKeyPin,
  kubeadmApiVersion: 'v1beta4',
  ignorePreflightErrors: ['SystemVerification'],
  etcdTimeoutSeconds: 300,
  discoveryCaPem: '',
  withPatches: false,
  nodeIp: '',
  kubeletExtraArgs: [],
  ownTaints: false,
  taints: [],
}
const request = { header: undefined, join: spec }

/** A joiner's kubeadm: keeps its configuration, writes what a join writes, or fails as it does. */
const kubeadm = `
R="$QUORATE_HOST_ROOT"
case "$1 $2" in
"join phase")
  cp "$R$5" "$R/preflight.yaml"
  echo "[preflight] Running pre-flight checks"
  [ -e "$R/preflight-output" ] && { cat "$R/preflight-output"; exit 1; }
  exit 0 ;;
"join --config")
  cp "$R$3" "$R/join.yaml"; stat -c %a "$R$3" > "$R/mode"
  D="$R$(dirname "$3")/discovery.conf"
  [ -e "$D" ] && { cp "$D" "$R/discovery.conf"; stat -c %a "$D" > "$R/discovery-mode"; }
  echo "[preflight] Running pre-flight checks"
  echo "not a phase"
  echo "[etcd] Creating static Pod manifest for etcd with $(sed -n 's/^ *certificateKey: //p' "$R$3")"
  [ -e "$R/fails" ] && { echo "error execution phase etcd-join: token abcdef.0123456789abcdef is of no use" >&2; exit 1; }
  mkdir -p "$R/etc/kubernetes/manifests" "$R/etc/kubernetes/pki/etcd" "$R/var/lib/etcd/member"
  echo cni > "$R/etc/cni/net.d/20-of-the-cluster.conflist"
  for f in admin.conf kubelet.conf scheduler.conf manifests/kube-apiserver.yaml manifests/etcd.yaml pki/ca.crt pki/etcd/ca.crt; do echo x > "$R/etc/kubernetes/$f"; done ;;
"reset --force")
  echo "$@" > "$R/reset-args"; echo "[reset] Removing the etcd member"
  rm -f "$R/etc/kubernetes/admin.conf" "$R/etc/kubernetes/pki/ca.crt"
  [ -e "$R/empties" ] && rm -rf "$R/var/lib/kubelet"/* "$R/etc/kubernetes/pki" "$R/etc/kubernetes/manifests"/*
  exit 0 ;;
esac
`

async function joiner(t: Test) {
  const node = await controlPlaneNode(t, { programs: { kubeadm } })
  await node.host.remove('/etc/kubernetes', { recursive: true })
  node.write('/etc/kubernetes/manifests/.keep', '')
  node.write('/etc/cni/net.d/10-flannel.conflist', 'mine')
  await placeJoinSecret(node.host, secret)
  return node
}

t.test('joins by a configuration in tmpfs, tells its phases without secrets, and removes both', async (t) => {
  const node = await joiner(t)
  const { facts, unchanged } = await joinControlPlane.run(request, node.context())
  t.notOk(unchanged)
  t.match(facts['joined_at'], /^\d{13}$/)
  t.same(parse(node.text('/join.yaml')), {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'JoinConfiguration',
    discovery: {
      bootstrapToken: { apiServerEndpoint: spec.endpoint, token: secret.token, caCertHashes: [spec.caPin] },
    },
    nodeRegistration: {
      name: spec.nodeName,
      criSocket: 'unix:///run/containerd/containerd.sock',
      ignorePreflightErrors: ['SystemVerification'],
    },
    controlPlane: {
      localAPIEndpoint: { advertiseAddress: '192.168.13.31', bindPort: 6443 },
      certificateKey: secret.certificateKey,
    },
    timeouts: { etcdAPICall: '300s' },
  })
  t.equal(node.text('/mode').trim(), '600')
  t.same(node.progress, [
    `this node is pinned to the cluster with the CA ${spec.caPin}`,
    '[preflight] Running pre-flight checks',
    '[etcd] Creating static Pod manifest for etcd with <certificate key>',
  ])
  t.notOk(existsSync(join(node.root, 'run/quorate-agent/op-1')))
  t.notOk(existsSync(join(node.root, 'run/quorate-agent/join-secret.json')))
  t.equal(node.text('/ran').trim(), 'kubeadm join --config /run/quorate-agent/op-1/join.yaml')
  t.match(await joinControlPlane.run(request, node.context('op-2')), { unchanged: true, facts })
})

t.test(
  'discovers by a file in tmpfs where anonymous requests are refused, takes patches along, and removes the file',
  async (t) => {
    const node = await joiner(t)
    const other = { ...spec, discoveryCaPem: caPem, withPatches: true, nodeIp: '192.168.13.31' }
    await joinControlPlane.run({ header: undefined, join: other }, node.context())
    const folder = '/run/quorate-agent/op-1'
    t.match(parse(node.text('/join.yaml')), {
      discovery: { file: { kubeConfigPath: `${folder}/discovery.conf` } },
      nodeRegistration: { kubeletExtraArgs: [{ name: 'node-ip', value: '192.168.13.31' }] },
      patches: { directory: '/etc/kubernetes/patches' },
    })
    t.notMatch(node.text('/join.yaml'), secret.token)
    const discovery = node.text('/discovery.conf')
    t.match(parse(discovery), {
      clusters: [{ cluster: { server: `https://${spec.endpoint}` } }],
      users: [{ user: { token: secret.token } }],
    })
    t.equal(Buffer.from(parse(discovery).clusters[0].cluster['certificate-authority-data'], 'base64').toString(), caPem)
    t.equal(node.text('/discovery-mode').trim(), '600')
    t.notOk(existsSync(join(node.root, folder)))
    t.notMatch(node.progress.join(), secret.token)
  },
)

t.test('a join that fails keeps no secret and tells none; then it can be taken back', async (t) => {
  const node = await joiner(t)
  node.write('/fails', '')
  await t.rejects(joinControlPlane.run(request, node.context()), {
    code: 'COMMAND_FAILED',
    message: /etcd-join: token abcdef\.\[redacted\] is of no use/,
  })
  t.notOk(existsSync(join(node.root, 'run/quorate-agent/join-secret.json')))
  await resetNode.run({ header: undefined }, node.context('op-2'))
})

t.test('refuses to join with a leftover admin.conf, without a secret, and with all checks off', async (t) => {
  const node = await joiner(t)
  const all = { header: undefined, join: { ...spec, ignorePreflightErrors: ['ALL'] } }
  await t.rejects(joinControlPlane.run(all, node.context()), { code: 'INVALID_REQUEST' })
  await node.host.remove('/run/quorate-agent/join-secret.json')
  await t.rejects(joinControlPlane.run(request, node.context('op-2')), { code: 'SECRET_NOT_FOR_US' })
  node.write('/etc/kubernetes/admin.conf', 'stale')
  await t.rejects(joinControlPlane.run(request, node.context('op-3')), { code: 'DRIFT', message: /admin\.conf exists/ })
  t.notOk(existsSync(join(node.root, 'ran')), 'kubeadm was not run')
  t.notOk(existsSync(join(node.root, 'var/lib/quorate-agent/joined-by')), 'so nothing may be reset')
})

t.test('an etcd elsewhere is not looked for when the join is taken back', async (t) => {
  const node = await joiner(t)
  await joinControlPlane.run(request, node.context())
  const argv = ['kube-apiserver', '--etcd-servers=https://192.0.2.41:2379,https://192.0.2.42:2379']
  const pod = { kind: 'Pod', spec: { containers: [{ name: 'kube-apiserver', command: argv }] } }
  node.write('/etc/kubernetes/manifests/kube-apiserver.yaml', JSON.stringify(pod))
  await resetNode.run({ header: undefined }, node.context('op-2'))
  t.match(node.text('/reset-args'), '--skip-phases=remove-etcd-member')
})

t.test('takes its own join back, all of it, and nothing that was there before', async (t) => {
  const node = await joiner(t)
  await joinControlPlane.run(request, node.context())
  const { facts } = await resetNode.run({ header: undefined }, node.context('op-2'))
  t.equal(node.text('/reset-args').trim(), 'reset --force --cri-socket /run/containerd/containerd.sock')
  t.match(facts['removed'], '/etc/kubernetes/kubelet.conf')
  for (const path of ['kubelet.conf', 'scheduler.conf', 'manifests/etcd.yaml', 'pki/etcd'])
    t.notOk(existsSync(join(node.root, 'etc/kubernetes', path)), path)
  t.notOk(existsSync(join(node.root, 'var/lib/etcd/member')))
  t.notOk(existsSync(join(node.root, 'etc/cni/net.d/20-of-the-cluster.conflist')))
  t.equal(node.text('/etc/cni/net.d/10-flannel.conflist'), 'mine')
  await t.rejects(
    resetNode.run({ header: undefined }, node.context('op-3')),
    { code: 'NOT_JOINED_BY_THIS_RUN' },
    'once is enough',
  )
})

t.test('never resets a node that this run did not join', async (t) => {
  const node = await controlPlaneNode(t, { programs: { kubeadm } })
  await t.rejects(resetNode.run({ header: undefined }, node.context()), { code: 'NOT_JOINED_BY_THIS_RUN' })
  node.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ runId: '20250101t000000-zzzzzz', before: [] }))
  await t.rejects(resetNode.run({ header: undefined }, node.context('op-2')), { code: 'NOT_JOINED_BY_THIS_RUN' })
  t.notOk(existsSync(join(node.root, 'reset-args')))
})

const folders = ['/etc/kubernetes', '/var/lib/etcd', '/var/lib/kubelet', '/etc/cni/net.d']
const fingerprints = async (node: Awaited<ReturnType<typeof joiner>>) =>
  (await Promise.all(folders.map((folder) => node.host.tree(folder)))).flat()

/** A node that had things of its own where kubeadm and the kubelet work. */
async function livedIn(t: Test) {
  const node = await joiner(t)
  node.write('/etc/kubernetes/audit/policy.yaml', 'kind: Policy\n')
  node.write('/etc/kubernetes/pki/extra/corporate-ca.crt', 'theirs')
  node.write('/var/lib/kubelet/device-plugins/checkpoint', '{}')
  const at = (path: string): string => join(node.root, path)
  chmodSync(at('/etc/kubernetes/pki/extra/corporate-ca.crt'), 0o640)
  chmodSync(at('/etc/kubernetes/pki'), 0o711)
  chmodSync(at('/var/lib/kubelet/device-plugins'), 0o750)
  if (process.getuid?.() === 0) chownSync(at('/var/lib/kubelet/device-plugins/checkpoint'), 12, 34)
  symlinkSync('policy.yaml', at('/etc/kubernetes/audit/current.yaml'))
  node.write('/empties', '')
  return node
}

for (const fails of [false, true]) {
  t.test(`a node is byte for byte what it was after a join that ${fails ? 'broke off' : 'ended well'}`, async (t) => {
    const node = await livedIn(t)
    const before = await fingerprints(node)
    if (fails) node.write('/fails', '')
    await joinControlPlane.run(request, node.context()).catch(() => {})
    // Whatever came after kubeadm: the network's own files, over one that was there.
    node.write('/etc/cni/net.d/10-flannel.conflist', 'the cluster took it over')
    node.write('/etc/kubernetes/tmp/left', 'x')
    const { facts, summary } = await resetNode.run({ header: undefined }, node.context('op-2'))
    t.same(await fingerprints(node), before)
    t.match(summary, /byte for byte as before the join/)
    t.equal(facts['fingerprint_after'], facts['fingerprint_before'])
    t.match(facts['restored'], '/etc/cni/net.d/10-flannel.conflist')
    t.match(facts['left'], /iptables.*until the next boot; \/root\/\.kube/)
    t.same(
      readdirSync(join(node.root, 'var/lib/quorate-agent')),
      ['pinned-cluster-ca'],
      'neither marker nor copies stay',
    )
    node.write('/run/quorate-agent/join-secret.json', JSON.stringify(secret))
    await node.host.remove('/fails')
    t.match(await joinControlPlane.run(request, node.context('op-3')), { unchanged: false }, 'it can join again')
  })
}

t.test('a second attempt does not take what the first one left for what was there before', async (t) => {
  const node = await livedIn(t)
  const before = await fingerprints(node)
  node.write('/fails', '')
  await t.rejects(joinControlPlane.run(request, node.context()))
  node.write('/etc/kubernetes/pki/ca.crt', 'of the first attempt')
  await placeJoinSecret(node.host, secret)
  await t.rejects(joinControlPlane.run(request, node.context('op-2')))
  await resetNode.run({ header: undefined }, node.context('op-3'))
  t.same(await fingerprints(node), before)
})

t.test('evidence of a join: what is there, whose it is, and whether its end was seen', async (t) => {
  const node = await joiner(t)
  const context = { ...node.context(), begunAtUnixMs: Date.now() }
  const look = () => joinControlPlane.evidence?.(request, context)
  t.match(await look(), {
    ...{ done: 'no', kubelet_conf: 'no', admin_conf: 'no', etcd_manifest: 'no', apiserver_manifest: 'no' },
    ...{ local_etcd: 'no', etcd_learner: 'no', joined_by: '', joined_by_this_run: 'no', joined_at: '', node_name: '' },
  })
  await joinControlPlane.run(request, context)
  const files = { kubelet_conf: 'yes', admin_conf: 'yes', etcd_manifest: 'yes', apiserver_manifest: 'yes' }
  const ours = { joined_by: context.header.runId, joined_by_this_run: 'yes' }
  t.match(await look(), { done: 'yes', ...files, ...ours, joined_at: /^\d+$/, local_etcd: 'no' })
  const marker = JSON.parse(node.text('/var/lib/quorate-agent/joined-by'))
  node.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ ...marker, joinedAtUnixMs: undefined }))
  t.match(await look(), { done: 'unknown', ...files, ...ours, joined_at: '' }, 'kubeadm may have died before its end')
  await node.host.remove('/etc/kubernetes/kubelet.conf')
  t.match(await look(), { done: 'no', kubelet_conf: 'no', ...ours })
})

t.test('a join that outlived its agent is followed to its end, never started again', async (t) => {
  const node = await joiner(t)
  const { facts } = await joinControlPlane.run(request, node.context())
  const marker = JSON.parse(node.text('/var/lib/quorate-agent/joined-by'))
  // As the agent's death in the middle leaves it: secret and configuration in tmpfs, the marker without an end.
  node.write('/var/lib/quorate-agent/joined-by', JSON.stringify({ ...marker, joinedAtUnixMs: undefined }))
  node.write('/run/quorate-agent/op-1/join.yaml', 'token: abcdef.0123456789abcdef')
  await placeJoinSecret(node.host, secret)
  const again = await joinControlPlane.carrier?.resume(request, node.context())
  t.match(again?.facts['joined_at'], /^\d+$/)
  t.ok(Number(again?.facts['joined_at']) >= Number(facts['joined_at']))
  t.equal(node.text('/ran').trim().split('\n').length, 1, 'kubeadm ran once')
  t.notOk(existsSync(join(node.root, 'run/quorate-agent/op-1')), 'its secrets are gone')
  t.notOk(existsSync(join(node.root, 'run/quorate-agent/join-secret.json')))
})

t.test('while an attempt still runs there is no second one, and a reset stops it first', async (t) => {
  const node = await joiner(t)
  node.write('/fails', '')
  await t.rejects(joinControlPlane.run(request, node.context()))
  // As the stand-in of systemd shows a unit that runs.
  node.write('/units/quorate-op-1.service.exit', 'running')
  await placeJoinSecret(node.host, secret)
  await t.rejects(joinControlPlane.run(request, node.context('op-2')), {
    code: 'NODE_BUSY',
    message: /op-1.*still runs/,
  })
  await resetNode.run({ header: undefined }, node.context('op-3'))
  t.ok(node.progress.some((line) => /^stopping quorate-op-1\.service/.test(line)))
  t.notOk(existsSync(join(node.root, 'units/quorate-op-1.service.exit')))
})

async function check(node: Awaited<ReturnType<typeof joiner>>, join = spec): Promise<CheckJoinResponse['event'][]> {
  const plain = JSON.stringify({ ...secret, certificateKey: '' })
  const about = { purpose: 'join-token', runId } as const
  const token = await sealedBy(node.sealing, recipientOf(nodeName, node.sealing), plain, about)
  const events: CheckJoinResponse['event'][] = []
  for await (const { event } of checkJoin.run({ join, token, runId }, node.tools, new AbortController().signal))
    events.push(event)
  return events
}

t.test('preflight: progress, then what kubeadm would stumble over', async (t) => {
  const node = await joiner(t)
  t.same(await check(node), [
    { $case: 'progress', progress: { message: '[preflight] Running pre-flight checks' } },
    { $case: 'findings', findings: { errors: [], warnings: [] } },
  ])
  t.equal(
    parse(node.text('/preflight.yaml')).controlPlane.certificateKey,
    '0'.repeat(64),
    'the true key is not made yet',
  )
  node.write(
    '/preflight-output',
    `\t[WARNING Firewalld]: firewalld is active, please ensure ports [6443 10250] are open
error execution phase preflight: [preflight] Some fatal errors occurred:
\t[ERROR Port-10250]: Port 10250 is in use
\t[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists
[preflight] If you know what you are doing, you can make a check non-fatal with \`--ignore-preflight-errors=...\`
`,
  )
  t.same((await check(node)).at(-1), {
    $case: 'findings',
    findings: {
      errors: [
        'Port-10250: Port 10250 is in use',
        'FileAvailable--etc-kubernetes-kubelet.conf: /etc/kubernetes/kubelet.conf already exists',
      ],
      warnings: ['Firewalld: firewalld is active, please ensure ports [6443 10250] are open'],
    },
  })
})

t.test('preflight: a failure that is none of the named checks is still a finding', async (t) => {
  const node = await joiner(t)
  node.write(
    '/preflight-output',
    "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address\n",
  )
  const last = (await check(node)).at(-1)
  t.match(last, { findings: { errors: [/^kubeadm: [\s\S]*stable controlPlaneEndpoint/] } })
})
