import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { applyKubeVip } from '@quorate/agent/ops/apply-kube-vip'
import type { ChangeOperation } from '@quorate/agent/ops/context/operation'
import type { Tools } from '@quorate/agent/ops/context/tools'
import { partOfNode } from '@quorate/agent/ops/drill/parts'
import { readStaticPods } from '@quorate/agent/ops/facts/static-pods'
import { listImages } from '@quorate/agent/ops/list-images'
import { removeKubeVip } from '@quorate/agent/ops/remove-kube-vip'
import { Part } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { issueCertificate } from '@quorate/shared/issue-certificate'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import t, { type Test } from 'tap'
import { type ContainerRuntime, container, startContainerRuntime } from '../../../support/container-runtime.js'
import { type ControlPlaneNode, controlPlaneNode } from '../../../support/control-plane-node.js'
import { rejected } from '../../../support/ops-node.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const image = 'example.com/kube-vip:v0.8.9'
const request = { virtualIp: '192.0.2.100', ownAddress: '127.0.0.1', image, bgp: undefined }
const conf = '/etc/kubernetes/kube-vip.conf'
const manifest = '/etc/kubernetes/manifests/kube-vip.yaml'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system'
const role = `${rbac}/roles/quorate-kube-vip`
const binding = `${rbac}/rolebindings/quorate-kube-vip`
const running = 1
const exited = 2

const programs = {
  kubeadm: `echo "$@" >> "$QUORATE_HOST_ROOT/kubeadm-ran"; cat "$QUORATE_HOST_ROOT/kubeadm-prints"`,
  ip: `cat "$QUORATE_HOST_ROOT/ip-prints"`,
}

interface Node extends ControlPlaneNode {
  readonly runtime: ContainerRuntime
  interfaces(addresses: readonly string[]): void
  /** What kubeadm will print: a kubeconfig with a certificate of that user. */
  kubeadmPrints(commonName: string, days?: number): void
  change<In>(operation: ChangeOperation<In>, input: Omit<In, 'header'>): Promise<OperationResult>
  done<In>(operation: ChangeOperation<In>, input: Omit<In, 'header'>): Promise<string | undefined>
}

/** A control plane whose kubelet runs what lies in the folder of manifests. */
async function nodeWithKubelet(t: Test): Promise<Node> {
  const made = await controlPlaneNode(t, { programs })
  // A socket's path must be short.
  const folder = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socket = join(folder, 'c.sock')
  const runtime = await startContainerRuntime(t, socket)
  const tools: Tools = { ...made.tools, cri: () => connectCri(new LinuxHost(), socket) }
  const node = { ...made, tools }
  let started = 0
  const kubelet = setInterval(() => {
    const wanted = existsSync(node.root + manifest)
    const present = runtime.containers.find(({ state }) => state === running)
    if (wanted && present === undefined) runtime.containers.push(container(`kube-vip-${++started}`, 'kube-vip'))
    if (!wanted && present !== undefined) present.state = exited
  }, 20)
  t.teardown(() => clearInterval(kubelet))
  let operations = 0
  const context = () => ({ ...made.context(`op-${++operations}`), tools })
  const self: Node = {
    ...node,
    runtime,
    interfaces: (addresses) => {
      const info = addresses.map((local) => ({ local, prefixlen: 8 }))
      writeFileSync(join(node.root, 'ip-prints'), JSON.stringify([{ ifname: 'eth0', addr_info: info }]))
    },
    kubeadmPrints: (commonName, days = 3650) => {
      const made = issueCertificate({
        ...{ ca: node.ca, commonName, organizations: [], dnsNames: [], ipAddresses: [], days },
        usage: 'client',
      })
      const base64 = (text: string): string => Buffer.from(text).toString('base64')
      const cluster = {
        server: 'https://apiserver.example.com:6443',
        'certificate-authority-data': base64(node.ca.certPem),
      }
      const user = { 'client-certificate-data': base64(made.certPem), 'client-key-data': base64(made.keyPem) }
      const config = {
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
        clusters: [{ name: 'kubernetes', cluster }],
        contexts: [{ name: 'c', context: { cluster: 'kubernetes', user: 'u' } }],
        users: [{ name: 'u', user }],
      }
      writeFileSync(join(node.root, 'kubeadm-prints'), JSON.stringify(config))
    },
    change: (operation, input) => {
      const one = context()
      return operation.run({ header: one.header, ...input } as never, one)
    },
    done: async (operation, input) => {
      const look = { ...context(), begunAtUnixMs: 0 }
      return (await operation.evidence?.({ header: undefined, ...input } as never, look))?.done
    },
  }
  self.interfaces(['127.0.0.1'])
  self.kubeadmPrints('quorate:kube-vip')
  return self
}

t.test('image, rights, kubeconfig, manifest; asked again nothing; taken back all of it', async (t) => {
  const node = await nodeWithKubelet(t)
  t.equal(await node.done(applyKubeVip, request), 'no')
  const { touched } = await node.change(applyKubeVip, request)
  t.same(
    touched.map(({ name }) => name),
    ['role/kube-system/quorate-kube-vip', 'rolebinding/kube-system/quorate-kube-vip', conf, manifest],
  )
  t.same(node.runtime.images, [image], 'it was pulled')
  t.same(await listImages.run({}, node.tools, new AbortController().signal), { images: [image] })
  t.match(
    node.text('/kubeadm-ran'),
    /^kubeconfig user --config \/run\/.* --client-name quorate:kube-vip --validity-period 87600h$/m,
  )
  t.equal(readKubeconfig(node.text(conf), place).server, `https://127.0.0.1:${node.api.port}`, 'its own API server')
  t.equal(statSync(node.root + conf).mode & 0o777, 0o600)
  t.same(node.api.objects.get(role)?.['rules'], [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      ...{ apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
      ...{ resourceNames: ['plndr-cp-lock'], verbs: ['get', 'update'] },
    },
  ])
  t.match(node.api.objects.get(binding), { subjects: [{ kind: 'User', name: 'quorate:kube-vip' }] })
  t.notMatch(node.progress.join('\n'), /BEGIN|client-key/, 'no key in what is told')
  t.same(await node.host.list('/run/quorate-agent'), [], 'nothing is left in tmpfs')

  t.equal(await node.done(applyKubeVip, request), 'yes')
  t.equal((await node.change(applyKubeVip, request)).unchanged, true)
  t.same((await readStaticPods(node.host)).strayManifests, [], 'it is no stray')
  t.match(await partOfNode(node.host, Part.PART_LOAD_BALANCER), { containers: ['kube-vip'], units: ['kubelet'] })

  node.api.objects.set(`${leases}/plndr-cp-lock`, { metadata: { name: 'plndr-cp-lock' } })
  t.equal(await node.done(removeKubeVip, {}), 'no')
  const back = await node.change(removeKubeVip, {})
  t.same(
    back.touched.map(({ name }) => name),
    [
      manifest,
      conf,
      'rolebinding/kube-system/quorate-kube-vip',
      'role/kube-system/quorate-kube-vip',
      'lease/kube-system/plndr-cp-lock',
    ],
  )
  t.notOk([manifest, conf].some((path) => existsSync(node.root + path)))
  t.notOk([role, binding, `${leases}/plndr-cp-lock`].some((path) => node.api.objects.has(path)))
  t.equal(await node.done(removeKubeVip, {}), 'yes')
  t.equal((await node.change(removeKubeVip, {})).unchanged, true)
})

t.test('a kubeconfig that is not good is made anew, and kube-vip restarted with it', async (t) => {
  const node = await nodeWithKubelet(t)
  const first = await node.change(applyKubeVip, request)
  for (const spoil of [
    () => rmSync(node.root + conf),
    () => writeFileSync(node.root + conf, 'kind: Config\n'),
    () => node.write(conf, node.text(conf).replace(/https:[^"\s]+/, 'https://apiserver.example.com:6443')),
  ]) {
    spoil()
    t.equal(await node.done(applyKubeVip, request), 'no')
    const again = await node.change(applyKubeVip, request)
    t.same(
      again.touched.map(({ name }) => name),
      [conf],
    )
    t.not(again.facts['container_id'], first.facts['container_id'], 'another container')
    t.equal(await node.done(applyKubeVip, request), 'yes')
  }
  t.equal(node.runtime.stopped.length, 3)
  // Somebody gave it more, or took from it.
  node.api.objects.set(role, { ...node.api.objects.get(role), rules: [] })
  t.equal(await node.done(applyKubeVip, request), 'no')
  t.same(
    (await node.change(applyKubeVip, request)).touched.map(({ name }) => name),
    ['role/kube-system/quorate-kube-vip'],
  )
})

t.test('rights that somebody else changed are put back as this run found them', async (t) => {
  const node = await nodeWithKubelet(t)
  const less = { metadata: { name: 'quorate-kube-vip', resourceVersion: '1' }, rules: [] }
  node.api.objects.set(role, less)
  await node.change(applyKubeVip, request)
  t.match(node.api.objects.get(role), { rules: [{ verbs: ['create'] }, {}] })
  await node.change(removeKubeVip, {})
  t.same(node.api.objects.get(role)?.['rules'], [])
  t.notOk(node.api.objects.has(binding), 'the binding was not there')
  t.equal((await node.change(removeKubeVip, {})).unchanged, true)
})

t.test('refusals come before anything is written', async (t) => {
  const node = await nodeWithKubelet(t)
  const refusal = async (change: object) => rejected(node.change(applyKubeVip, { ...request, ...change }))
  t.equal((await refusal({ ownAddress: '192.0.2.9' })).code, 'INVALID_REQUEST', 'no interface has it')
  t.equal((await refusal({ virtualIp: 'x' })).code, 'INVALID_REQUEST')
  node.kubeadmPrints('kubernetes-admin')
  t.equal((await refusal({})).code, 'CERTIFICATE_INVALID', 'a certificate of somebody else')
  node.kubeadmPrints('quorate:kube-vip', 3)
  t.equal((await refusal({})).code, 'CERTIFICATE_INVALID', 'one that ends in three days')
  t.notOk(existsSync(node.root + conf))
  node.write(manifest, 'apiVersion: v1\nkind: Pod\n')
  t.equal((await refusal({})).code, 'DRIFT', "somebody else's kube-vip")
  t.equal(
    (await node.change(removeKubeVip, {})).touched.some(({ name }) => name === manifest),
    false,
    'and it stays',
  )
  t.match((await readStaticPods(node.host)).strayManifests, ['kube-vip.yaml'])
})

t.test('an address that stays on the interface is said, not hidden', async (t) => {
  const node = await nodeWithKubelet(t)
  await node.change(applyKubeVip, request)
  node.interfaces(['127.0.0.1', '192.0.2.100'])
  const gone = node.change(removeKubeVip, {})
  setTimeout(() => node.interfaces(['127.0.0.1']), 300)
  t.equal((await gone).unchanged, false, 'it waited until the address was gone')
})
