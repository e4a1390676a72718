import { createDecipheriv } from 'node:crypto'
import { httpsUrl } from './host-port.js'
import {
  adminClient,
  clientFor,
  durationMs,
  etcdDataOf,
  extraArgs,
  getObject,
  pkiOf,
  readConfig,
  type Taint,
} from './kubeadm-config.js'
import { sharedCertificates } from './kubeadm-init.js'
import { isExternalCa, makeCertificates, writeKubeconfigs } from './kubeadm-leaves.js'
import { type JoinContext, preflight } from './kubeadm-preflight.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'
import { bootstrapKubeconfig } from './kubeconfigs.js'
import type { SimulatedNode } from './node.js'
import { patched } from './patches.js'
import type { Component } from './pod-parts.js'
import { staticPodManifest } from './static-pods.js'
import type { KubeObject } from './store.js'
import { atLeast } from './version-order.js'

/** How long kubeadm retries; a busy machine may need it. */
const patienceMs = 120_000
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** kubeadm join phase preflight. */
export async function joinPreflight(run: Kubeadm, config: string): Promise<void> {
  await preflight(run, joinConfiguration(run, config))
}

/** kubeadm join phase control-plane-join mark-control-plane: needs no token if the configuration names a kubeconfig. */
export async function joinMarkControlPlane(run: Kubeadm, config: string): Promise<void> {
  const join = joinConfiguration(run, config)
  const { node } = run.machine
  const kubeconfig = join.discovery?.file?.kubeConfigPath
  if (kubeconfig !== undefined && !node.exists(kubeconfig)) {
    throw new Error(`couldn't validate the identity of the API Server: open ${kubeconfig}: no such file or directory`)
  }
  const { advertiseAddress: address = node.defaultAddress, bindPort = 6443 } = join.controlPlane?.localAPIEndpoint ?? {}
  await markControlPlane(run, { join, nodeName: join.nodeRegistration?.name ?? node.hostname, address, bindPort })
}

function joinConfiguration(run: Kubeadm, config: string) {
  const { JoinConfiguration: join } = readConfig(run, config)
  if (join === undefined) throw new Error(`no JoinConfiguration in the configuration file "${config}"`)
  return join
}

/** kubeadm join, of a worker, or with --control-plane: the phases of cmd/kubeadm/app/cmd/join.go, in their order. */
export async function join(run: Kubeadm, config: string): Promise<void> {
  const context = await preflight(run, joinConfiguration(run, config))
  const isControlPlane = context.join.controlPlane !== undefined
  const phases = isControlPlane ? controlPlanePhases(run, context) : workerPhases(run, context)
  for (const [name, phase] of phases) {
    breakOff(run, name)
    await phase()
  }
  const what = isControlPlane ? 'a new control plane instance was created' : 'a certificate signing request was sent'
  run.print('')
  run.print(`This node has joined the cluster and ${what}:`)
  run.print('')
  run.print("Run 'kubectl get nodes' to see this node join the cluster.")
}

type Phase = readonly [name: string, run: () => Promise<void>]

const workerPhases = (run: Kubeadm, context: JoinContext): readonly Phase[] => [
  ['kubelet-start', () => kubeletStart(run, context)],
  ['kubelet-wait-bootstrap', () => waitBootstrap(run)],
]

function controlPlanePhases(run: Kubeadm, context: JoinContext): readonly Phase[] {
  const localMode = run.site.release.localMode
  return [
    ['control-plane-prepare/download-certs', () => downloadCerts(run, context)],
    ['control-plane-prepare/certs', async () => makeCertificates(run, context)],
    ['control-plane-prepare/kubeconfig', async () => writeKubeconfigs(run, context)],
    ['control-plane-prepare/control-plane', async () => writeManifests(run, context)],
    ['check-etcd', () => checkEtcd(run, context)],
    ['kubelet-start', () => kubeletStart(run, context)],
    ...(localMode ? [['etcd-join', () => etcdJoin(run, context)] as const] : []),
    ['kubelet-wait-bootstrap', () => waitBootstrap(run)],
    ...(localMode ? [] : [['control-plane-join/etcd', () => etcdJoin(run, context)] as const]),
    ['control-plane-join/mark-control-plane', () => markControlPlane(run, context)],
    // Before 1.33 it requires a feature gate that is off by default (WaitForAllControlPlaneComponents).
    ...(atLeast(run.site.release.version, '1.33')
      ? [['wait-control-plane', () => waitControlPlane(run)] as const]
      : []),
  ]
}

/** The phase etcd-join can also fail halfway: `etcd-join/promote` after a learner was added, `etcd-join/wait` after a voter was. */
function breakOff({ machine: { node } }: Kubeadm, place: string): void {
  if (node.faults.failJoinPhase === place) throw new PhaseError(place, 'an error has been injected')
}

async function downloadCerts(run: Kubeadm, { bootstrap, join, cluster }: JoinContext): Promise<void> {
  const phase = 'control-plane-prepare/download-certs'
  const { node } = run.machine
  run.print('[download-certs] Downloading the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace')
  run.print(`[download-certs] Saving the certificates to the folder: "${pkiOf(cluster)}"`)
  const client = clientFor(run, bootstrap)
  try {
    const { status, body } = await client.request('GET', '/api/v1/namespaces/kube-system/secrets/kubeadm-certs')
    if (status !== 200) {
      throw new PhaseError(
        phase,
        'error downloading certs: error downloading the secret: Secret "kubeadm-certs" was not found in the "kube-system" Namespace. This Secret might have expired. Please, run `kubeadm init phase upload-certs --upload-certs` on a control plane to generate a new one',
      )
    }
    const { data = {} } = body as KubeObject
    for (const [name, file] of Object.entries(sharedCertificates(cluster))) {
      if (data[name] === undefined) {
        throw new PhaseError(
          phase,
          `error downloading certs: the Secret does not include the required certificate or key - name: ${name}, path: ${file}`,
        )
      }
      const sealed = Buffer.from(data[name], 'base64')
      if (sealed.length === 0) continue
      const plain = decrypt(sealed, join.controlPlane?.certificateKey ?? '', phase)
      node.write(file, plain, file.endsWith('.key') ? 0o600 : 0o644)
    }
  } finally {
    client.close()
  }
}

function decrypt(sealed: Buffer, key: string, phase: string): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key, 'hex'), sealed.subarray(0, 12))
    decipher.setAuthTag(sealed.subarray(-16))
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  } catch {
    throw new PhaseError(
      phase,
      'error downloading certs: error decoding secret data with provided key: cipher: message authentication failed',
    )
  }
}

export type ManifestContext = Pick<JoinContext, 'cluster' | 'nodeName' | 'address' | 'bindPort' | 'patches'> & {
  /** Where a dry run writes them. */
  readonly folder?: string
}

export function writeManifest(
  run: Kubeadm,
  component: Component,
  context: ManifestContext,
  initialCluster: readonly string[],
): void {
  const { cluster, nodeName, address, bindPort, patches, folder = '/etc/kubernetes/manifests' } = context
  const { node } = run.machine
  const serviceSubnet = cluster.networking?.serviceSubnet ?? '10.96.0.0/12'
  const text = staticPodManifest(component, {
    release: run.site.release,
    nodeName,
    address,
    bindPort,
    serviceSubnet,
    externalEtcd: cluster.etcd?.external,
    initialCluster,
    externalCa: isExternalCa(node, cluster),
    certificatesDir: pkiOf(cluster),
    etcdDataDir: etcdDataOf(cluster),
    cluster,
  })
  node.write(`${folder}/${component}.yaml`, patched(node, patches, component, text), 0o600)
}

/** Manifests of the control plane, without etcd's. */
export function writeManifests(run: Kubeadm, context: ManifestContext): void {
  run.print(`[control-plane] Using manifest folder "${context.folder ?? '/etc/kubernetes/manifests'}"`)
  for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const) {
    run.print(`[control-plane] Creating static Pod manifest for "${component}"`)
    writeManifest(run, component, context, [])
  }
}

async function checkEtcd(run: Kubeadm, { cluster }: JoinContext): Promise<void> {
  const { site, machine } = run
  if (cluster.etcd?.external !== undefined) return run.print('[check-etcd] Skipping etcd check in external mode')
  run.print('[check-etcd] Checking that the etcd cluster is healthy')
  const unhealthy = site.etcd.members.find((member) => !member.learner && !reaches(run, member.node?.name))
  if (
    unhealthy !== undefined &&
    !unhealthy.learner &&
    unhealthy.node !== machine.node &&
    !isJoining(run, unhealthy.name)
  ) {
    throw new PhaseError(
      'check-etcd',
      `etcd cluster is not healthy: failed to dial endpoint ${unhealthy.clientUrl} with maintenance client: context deadline exceeded`,
    )
  }
}

/** Whether another join is starting this member: kubeadm waits for it and reports no error. */
function isJoining({ site }: Kubeadm, name: string): boolean {
  const member = site.etcd.members.find((each) => each.name === name)
  return member?.running === true && !member.serving
}

function reaches({ site, machine }: Kubeadm, name: string | undefined): boolean {
  const node = name === undefined ? undefined : site.nodes.get(name)
  return node?.alive === true && !site.network.isCut(machine.node, node) && site.etcd.memberOf(node)?.serving === true
}

async function kubeletStart(
  run: Kubeadm,
  { bootstrap, nodeName, address, bindPort, join, cluster }: JoinContext,
): Promise<void> {
  const {
    machine: { node, units },
    site,
  } = run
  const client = clientFor(run, bootstrap)
  let configuration: string
  try {
    const { status, body } = await client.request('GET', `/api/v1/nodes/${nodeName}`)
    const [ready] =
      status === 200 ? (((body as KubeObject).status?.['conditions'] ?? []) as { type: string; status: string }[]) : []
    if (ready?.status === 'True') {
      throw new PhaseError(
        'kubelet-start',
        `a Node with name "${nodeName}" and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node`,
      )
    }
    const map = await getObject(client, '/api/v1/namespaces/kube-system/configmaps/kubelet-config')
    configuration = map.data?.['kubelet'] ?? ''
  } finally {
    client.close()
  }
  await units.stop('kubelet')
  run.print('[kubelet-start] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"')
  node.write('/var/lib/kubelet/config.yaml', configuration, 0o644)
  if (atLeast(site.release.version, '1.34')) {
    node.write(
      '/var/lib/kubelet/instance-config.yaml',
      'apiVersion: kubelet.config.k8s.io/v1beta1\ncontainerRuntimeEndpoint: unix:///run/containerd/containerd.sock\nkind: KubeletConfiguration\n',
      0o600,
    )
  }
  run.print('[kubelet-start] Writing kubelet environment file with flags to file "/var/lib/kubelet/kubeadm-flags.env"')
  writeKubeletFlags(node, nodeName, extraArgs(join.nodeRegistration?.kubeletExtraArgs))
  const isLocal = join.controlPlane !== undefined && site.release.localMode
  const server = isLocal ? httpsUrl(address, bindPort) : bootstrap.server
  node.write(`${pkiOf(cluster)}/ca.crt`, bootstrap.ca ?? '', 0o644)
  node.write(
    '/etc/kubernetes/bootstrap-kubelet.conf',
    bootstrapKubeconfig(server, bootstrap.ca ?? '', bootstrap.token ?? ''),
    0o600,
  )
  run.print('[kubelet-start] Starting the kubelet')
  const started = await units.start('kubelet')
  if (started.exitCode !== 0) throw new PhaseError('kubelet-start', started.stderr)
}

/** kubeadm-flags.env: the node's name only if the hostname differs (app/phases/kubelet/flags.go). */
export function writeKubeletFlags(node: SimulatedNode, nodeName: string, extra: ReadonlyMap<string, string>): void {
  const flags = [...(nodeName === node.hostname ? [] : [['hostname-override', nodeName]]), ...extra]
  const text = flags.map(([name, value]) => `--${name}=${value}`).join(' ')
  node.write('/var/lib/kubelet/kubeadm-flags.env', `KUBELET_KUBEADM_ARGS="${text}"\n`, 0o644)
}

/** Whether a new member is added as a learner: depends on kubeadm's release and, where it still counts, on kubeadm-config. */
function learnsFirst({ site: { release } }: Kubeadm, { cluster }: JoinContext): boolean {
  if (release.learnerMode === 'always') return true
  return cluster.featureGates?.['EtcdLearnerMode'] ?? release.learnerMode === 'on'
}

/** Adds the member, as a learner if allowed, writes its manifest, promotes it; retries each until the timeout of etcd calls. */
async function etcdJoin(run: Kubeadm, context: JoinContext): Promise<void> {
  const { site } = run
  if (context.cluster.etcd?.external !== undefined)
    return run.print('[control-plane-join] Using external etcd - no local stacked instance added')
  const phase = site.release.localMode ? 'etcd-join' : 'control-plane-join/etcd'
  const deadline = Date.now() + durationMs(context.join.timeouts?.etcdAPICall ?? '2m0s')
  const retried = async <T>(work: () => T): Promise<T> => {
    for (;;) {
      run.life?.throwIfAborted()
      try {
        if (!site.etcd.members.some(({ node, learner }) => !learner && reaches(run, node?.name)))
          throw new Error('context deadline exceeded')
        return work()
      } catch (error) {
        if (Date.now() > deadline)
          throw new PhaseError(
            phase,
            `error creating local etcd static pod manifest file: ${error instanceof Error ? error.message : String(error)}`,
          )
        await wait(500)
      }
    }
  }
  run.print('[etcd] Creating static Pod manifest for "etcd"')
  const peerUrl = httpsUrl(context.address, 2380)
  const member = await retried(() => {
    // kubeadm is a client with pki/etcd/healthcheck-client (app/util/etcd/etcd.go, NewFromCluster).
    site.etcd.requireRoot('kube-etcd-healthcheck-client')
    return site.etcd.add(peerUrl, learnsFirst(run, context))
  })
  run.print('[etcd] Announced new etcd member joining to the existing etcd cluster')
  const others = site.etcd.members.filter((each) => each !== member)
  const initial = [...others.map(({ name, peerUrl: url }) => `${name}=${url}`), `${context.nodeName}=${peerUrl}`]
  writeManifest(run, 'etcd', context, initial)
  run.print('[etcd] Waiting for the new etcd member to join the cluster. This can take up to 40s')
  breakOff(run, 'etcd-join/promote')
  await retried(() => (member.learner ? site.etcd.promote(member.id) : undefined))
  breakOff(run, 'etcd-join/wait')
  for (const until = Date.now() + patienceMs; !member.serving; await wait(100)) {
    if (Date.now() > until) throw new PhaseError(phase, 'timeout waiting for etcd cluster to be available')
  }
}

async function waitBootstrap(run: Kubeadm): Promise<void> {
  const { node } = run.machine
  run.print('[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap')
  for (const until = Date.now() + patienceMs; !node.exists('/etc/kubernetes/kubelet.conf'); await wait(100)) {
    if (Date.now() > until)
      throw new PhaseError(
        'kubelet-wait-bootstrap',
        'error waiting for kubelet TLS bootstrap: context deadline exceeded',
      )
  }
  node.remove('/etc/kubernetes/bootstrap-kubelet.conf')
}

async function markControlPlane(
  run: Kubeadm,
  { join, nodeName, address, bindPort }: Pick<JoinContext, 'join' | 'nodeName' | 'address' | 'bindPort'>,
): Promise<void> {
  const label = 'node-role.kubernetes.io/control-plane'
  const taints = join.nodeRegistration?.taints ?? [{ effect: 'NoSchedule', key: label }]
  run.print(
    `[mark-control-plane] Marking the node ${nodeName} as control-plane by adding the labels: [${label} node.kubernetes.io/exclude-from-external-load-balancers]`,
  )
  run.print(
    `[mark-control-plane] Marking the node ${nodeName} as control-plane by adding the taints [${taints.map(({ key, effect }) => `${key}:${effect}`).join(' ')}]`,
  )
  const client = adminClient(run, httpsUrl(address, bindPort))
  try {
    for (const until = Date.now() + patienceMs; ; await wait(150)) {
      // Added to those that it has (app/phases/markcontrolplane).
      const node = await client.request('GET', `/api/v1/nodes/${nodeName}`).catch(() => undefined)
      const has = ((node?.body as KubeObject | undefined)?.spec?.['taints'] ?? []) as Taint[]
      const missing = taints.filter(({ key, effect }) => !has.some((one) => one.key === key && one.effect === effect))
      const patch = {
        metadata: { labels: { [label]: '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
        spec: { taints: [...has, ...missing] },
      }
      const answer = await client
        .request('PATCH', `/api/v1/nodes/${nodeName}`, patch, 'application/merge-patch+json')
        .catch(() => undefined)
      if (answer?.status === 200) return
      if (Date.now() > until)
        throw new PhaseError(
          'control-plane-join/mark-control-plane',
          'error applying control-plane label and taints: timed out',
        )
    }
  } finally {
    client.close()
  }
}

async function waitControlPlane(run: Kubeadm): Promise<void> {
  run.print('[control-plane-check] Waiting for healthy control plane components. This can take up to 4m0s')
  const { runtime } = run.machine
  const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']
  for (const name of components) {
    for (
      const until = Date.now() + patienceMs;
      !runtime.containers.some((c) => c.name === name && c.running);
      await wait(100)
    ) {
      if (Date.now() > until)
        throw new PhaseError(
          'wait-control-plane',
          `failed while waiting for the control plane to start: ${name} check failed`,
        )
    }
    run.print(`[control-plane-check] ${name} is healthy`)
  }
}
