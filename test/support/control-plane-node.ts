import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createSealing } from '@quorate/agent/host/age-sealing'
import { BackupSealing } from '@quorate/agent/host/backup-sealing'
import { connectCri } from '@quorate/agent/host/cri-client'
import { DenyList } from '@quorate/agent/host/deny-list'
import { connectEtcd } from '@quorate/agent/host/etcd-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import { connectKubeApi } from '@quorate/agent/host/local-kube-api'
import { NodeNetwork } from '@quorate/agent/host/node-network'
import { Pins } from '@quorate/agent/host/pins'
import type { Sealing } from '@quorate/agent/host/sealing'
import { DisturbingLooks } from '@quorate/agent/ops/context/disturbing-looks'
import type { ChangeContext } from '@quorate/agent/ops/context/operation'
import type { Tools } from '@quorate/agent/ops/context/tools'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { parse } from 'yaml'
import { type ApiServer, startApiServer } from './api-server.js'
import { identityOf, ownIdentity } from './node-identities.js'
import { installPrograms } from './systemd-programs.js'

const fixtures = join(import.meta.dirname, '../fixtures')
export const runId = '20261122t172915-abc123'
export const nodeName = 'k8smaster1.example.com'

export interface ControlPlaneNode {
  readonly root: string
  readonly ca: KeyPair
  readonly serving: KeyPair
  readonly api: ApiServer
  readonly host: LinuxHost
  readonly sealing: Sealing
  readonly tools: Tools
  /** Progress lines that operations told. */
  readonly progress: string[]
  context(operationId?: string): ChangeContext
  write(path: string, text: string): void
  text(path: string): string
}

export interface NodeOptions {
  readonly version?: 'v1.30.4' | 'v1.37.2'
  /** Programs beside systemd's, as shell text; found through PATH. */
  readonly programs?: Record<string, string>
  readonly signs?: boolean
}

interface Test {
  testdir(): string
  teardown(end: () => unknown): void
}

const pemBase64 = (pem: string): string => Buffer.from(pem, 'utf8').toString('base64')

/** A control plane as kubeadm leaves it, in a folder: real files of a real cluster, its own CA, and an API server that answers. */
export async function controlPlaneNode(t: Test, options: NodeOptions = {}): Promise<ControlPlaneNode> {
  const { version = 'v1.37.2', programs = {}, signs = true } = options
  const root = t.testdir()
  const before = (name: string): string => readFileSync(join(fixtures, version, 'before', name), 'utf8')
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const ca = createFleetCa('test')
  const issue = (commonName: string, usage: 'client' | 'server') =>
    issueCertificate({
      ca,
      commonName,
      organizations: [],
      dnsNames: [nodeName, 'kubernetes'],
      ipAddresses: ['127.0.0.1', '10.96.0.1'],
      days: 365,
      usage,
    })
  const [serving, admin, kubelet] = [
    issue('kube-apiserver', 'server'),
    issue('kubernetes-admin', 'client'),
    issue(`system:node:${nodeName}`, 'client'),
  ]
  const api = await startApiServer({ pair: serving, caPem: ca.certPem, signs })
  t.teardown(() => api.close())
  for (const [name, file] of [
    ['kubeadm-config', 'cm-kubeadm-config'],
    ['cluster-info', 'cm-cluster-info'],
    ['kube-proxy', 'cm-kube-proxy'],
  ]) {
    const object = parse(before(`${file}.yaml`))
    api.objects.set(`/api/v1/namespaces/${object.metadata.namespace}/configmaps/${name}`, object)
  }
  write(
    '/etc/kubernetes/manifests/kube-apiserver.yaml',
    before('manifests/kube-apiserver.yaml')
      .replaceAll('192.168.13.30', '127.0.0.1')
      .replaceAll('6443', String(api.port)),
  )
  write('/etc/kubernetes/manifests/etcd.yaml', before('manifests/etcd.yaml').replaceAll('192.168.13.30', '127.0.0.1'))
  for (const [name, pair] of [
    ['ca', ca],
    ['apiserver', serving],
  ] as const) {
    write(`/etc/kubernetes/pki/${name}.crt`, pair.certPem)
    write(`/etc/kubernetes/pki/${name}.key`, pair.keyPem)
  }
  write('/var/lib/kubelet/pki/kubelet-client-current.pem', kubelet.certPem + kubelet.keyPem)
  // Its server is a place where nobody answers: the agent must not follow it.
  write('/etc/kubernetes/admin.conf', adminConf(ca, admin, 'https://192.0.2.1:8443'))
  installPrograms(join(root, 'bin'), programs)
  return {
    ...(await node(root)),
    root,
    ca,
    serving,
    api,
    write,
    text: (path) => readFileSync(join(root, path), 'utf8'),
  }
}

export const adminConf = (ca: KeyPair, admin: KeyPair, server: string): string => `apiVersion: v1
kind: Config
current-context: kubernetes-admin@kubernetes
clusters:
- name: kubernetes
  cluster:
    certificate-authority-data: ${pemBase64(ca.certPem)}
    server: ${server}
contexts:
- name: kubernetes-admin@kubernetes
  context: {cluster: kubernetes, user: kubernetes-admin}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${pemBase64(admin.certPem)}
    client-key-data: ${pemBase64(admin.keyPem)}
`

async function node(
  root: string,
): Promise<Pick<ControlPlaneNode, 'host' | 'sealing' | 'tools' | 'progress' | 'context'>> {
  const host = new LinuxHost(root)
  const identity = await ownIdentity(host, identityOf(nodeName))
  const place = { host, stateFolder: '/var/lib/quorate-agent', log: { warn: () => {} } }
  const denyList = await DenyList.open({ ...place, ca: () => identity.ca })
  const sealing = await createSealing(identity, denyList)
  const criSocket = '/run/containerd/containerd.sock'
  const pins = new Pins({ ...place, enrolled: {} })
  const tools: Tools = {
    host,
    identity,
    sealing,
    denyList,
    looks: new DisturbingLooks(),
    pins,
    backups: new BackupSealing({ ...place, pins }),
    criSocket,
    stateFolder: '/var/lib/quorate-agent',
    network: new NodeNetwork({ host, holdAddress: '127.0.0.1' }),
    kube: () => connectKubeApi(host),
    etcd: () => connectEtcd(host),
    cri: () => connectCri(host, criSocket),
  }
  const progress: string[] = []
  const context = (operationId = 'op-1'): ChangeContext => ({
    tools,
    header: { operationId, runId, cluster: 'prod', fencingToken: 1 },
    progress: (message) => void progress.push(message),
    signal: new AbortController().signal,
    onceRecorded: () => {},
  })
  return { host, sealing, tools, progress, context }
}
