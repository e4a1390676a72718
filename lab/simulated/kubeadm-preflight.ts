import { createServer } from 'node:net'
import { parse } from 'yaml'
import { noRegistry } from './container-runtime.js'
import type { Credentials } from './kube-client.js'
import {
  type ClusterConfiguration,
  clientFor,
  etcdDataOf,
  getObject,
  type JoinConfiguration,
  pkiOf,
} from './kubeadm-config.js'
import { discover } from './kubeadm-discovery.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'
import { atLeast } from './version-order.js'
import { controlPlaneImages, releaseOf } from './versions.js'

interface Found {
  readonly name: string
  readonly message: string
  readonly warning?: boolean
}

/** What the later phases need from preflight. */
export interface JoinContext {
  readonly join: JoinConfiguration
  readonly bootstrap: Credentials
  readonly cluster: ClusterConfiguration
  readonly nodeName: string
  readonly address: string
  readonly bindPort: number
  /** Folder of the patches that it was given. */
  readonly patches: string | undefined
}

/** The phase preflight of kubeadm join (cmd/phases/join/preflight.go). */
export async function preflight(run: Kubeadm, join: JoinConfiguration): Promise<JoinContext> {
  const { site } = run
  const ignored = new Set((join.nodeRegistration?.ignorePreflightErrors ?? []).map((name) => name.toLowerCase()))
  run.print('[preflight] Running pre-flight checks')
  await report(run, await joinNodeChecks(run), ignored)
  const bootstrap = await discover(run, join)
  const client = clientFor(run, bootstrap)
  let cluster: ClusterConfiguration
  try {
    if (atLeast(site.release.version, '1.32')) {
      run.print('[preflight] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...')
      const phase = atLeast(site.release.version, '1.34') ? 'upload-config kubeadm' : 'upload-config'
      run.print(`[preflight] Use 'kubeadm init phase ${phase} --config your-config-file' to re-upload it.`)
    } else {
      run.print('[preflight] Reading configuration from the cluster...')
      run.print(
        "[preflight] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config -o yaml'",
      )
    }
    const map = await getObject(client, '/api/v1/namespaces/kube-system/configmaps/kubeadm-config')
    cluster = parse(map.data?.['ClusterConfiguration'] ?? '') as ClusterConfiguration
  } catch (error) {
    throw new PhaseError(
      'preflight',
      `unable to fetch the kubeadm-config ConfigMap: failed to get config map: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    client.close()
  }
  const local = join.controlPlane?.localAPIEndpoint
  const { node } = run.machine
  const context: JoinContext = {
    join,
    bootstrap,
    cluster,
    nodeName: join.nodeRegistration?.name ?? node.hostname,
    address: local?.advertiseAddress ?? node.defaultAddress,
    bindPort: local?.bindPort ?? 6443,
    patches: join.patches?.directory,
  }
  if (join.controlPlane !== undefined) await controlPlanePreflight(run, context, ignored)
  return context
}

async function controlPlanePreflight(
  run: Kubeadm,
  { cluster, join, address, bindPort }: JoinContext,
  ignored: ReadonlySet<string>,
): Promise<void> {
  const { node, runtime } = run.machine
  const reasons: string[] = []
  if ((cluster.controlPlaneEndpoint ?? '') === '') {
    reasons.push(
      "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address",
    )
  }
  if (join.controlPlane?.certificateKey === undefined && !node.exists(`${pkiOf(cluster)}/ca.key`)) {
    reasons.push(
      `failure loading certificate for CA: couldn't load the certificate file ${pkiOf(cluster)}/ca.crt: open ${pkiOf(cluster)}/ca.crt: no such file or directory`,
    )
  }
  if (reasons.length > 0) {
    throw new PhaseError(
      'preflight',
      `\nOne or more conditions for hosting a new control plane instance is not satisfied.\n\n${reasons.join('\n')}\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n\n`,
    )
  }
  run.print('[preflight] Running pre-flight checks before initializing the new control plane instance')
  await report(run, await controlPlaneChecks(run, { address, bindPort, cluster }), ignored)
  run.print('[preflight] Pulling images required for setting up a Kubernetes cluster')
  run.print('[preflight] This might take a minute or two, depending on the speed of your internet connection')
  const ahead = atLeast(run.site.release.version, '1.31') ? 'beforehand' : 'in beforehand'
  run.print(`[preflight] You can also perform this action ${ahead} using 'kubeadm config images pull'`)
  const wanted = controlPlaneImages(releaseOf(cluster.kubernetesVersion), cluster.imageRepository)
  const images = wanted.filter((one) => !runtime.images.has(one))
  if (node.faults.noRegistry) {
    const pull = (image: string) => ({ name: 'ImagePull', message: `failed to pull image ${image}: ${noRegistry}` })
    await report(run, images.map(pull), ignored)
  }
  for (const image of images) runtime.images.add(image)
}

async function report(run: Kubeadm, found: readonly Found[], ignored: ReadonlySet<string>): Promise<void> {
  const isIgnored = ({ name }: Found): boolean => ignored.has(name.toLowerCase()) || ignored.has('all')
  for (const each of found.filter((item) => item.warning || isIgnored(item)))
    run.complain(`\t[WARNING ${each.name}]: ${each.message}`)
  const errors = found.filter((item) => !item.warning && !isIgnored(item))
  if (errors.length === 0) return
  const lines = errors.map(({ name, message }) => `\t[ERROR ${name}]: ${message}\n`).join('')
  const hint =
    '[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`'
  if (atLeast(run.site.release.version, '1.34')) {
    for (const line of `[preflight] Some fatal errors occurred:\n${lines}${hint}`.split('\n')) run.complain(line)
    throw new Error('error: error execution phase preflight: preflight checks failed')
  }
  throw new PhaseError('preflight', `[preflight] Some fatal errors occurred:\n${lines}${hint}`)
}

async function joinNodeChecks({ machine, site }: Kubeadm): Promise<Found[]> {
  const { node, runtime, units } = machine
  const found: Found[] = []
  for (const file of ['kubelet.conf', 'bootstrap-kubelet.conf']) {
    if (node.exists(`/etc/kubernetes/${file}`))
      found.push({ name: `FileAvailable--etc-kubernetes-${file}`, message: `/etc/kubernetes/${file} already exists` })
  }
  if (!runtime.answers)
    found.push({ name: 'CRI', message: 'container runtime is not running: rpc error: code = Unavailable' })
  if (site.release.needsCrictl && !node.exists('/usr/bin/crictl'))
    found.push({ name: 'FileExisting-crictl', message: 'crictl not found in system path' })
  if (await inUse(node.address, 10250)) found.push({ name: 'Port-10250', message: 'Port 10250 is in use' })
  if ((node.read('/proc/swaps') ?? '').trim().split('\n').length > 1) {
    found.push({
      name: 'Swap',
      message: 'swap is supported for cgroup v2 only. The kubelet must be properly configured to use swap.',
      warning: true,
    })
  }
  if (!units.isEnabled('kubelet'))
    found.push({
      name: 'Service-Kubelet',
      message: "kubelet service is not enabled, please run 'systemctl enable kubelet.service'",
      warning: true,
    })
  const own = node.faults.programVersion
  if (
    own !== undefined &&
    own !== site.release.version &&
    atLeast(own, site.release.version.replace(/^v(\d+\.\d+).*/, '$1'))
  ) {
    found.push({
      name: 'KubeletVersion',
      message:
        'the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster.',
    })
  }
  return found
}

async function controlPlaneChecks(
  { machine }: Kubeadm,
  { address, bindPort, cluster }: Pick<JoinContext, 'address' | 'bindPort' | 'cluster'>,
): Promise<Found[]> {
  const { node } = machine
  const found: Found[] = []
  const cpus = [...(node.read('/proc/cpuinfo') ?? '').matchAll(/^processor/gm)].length
  if (cpus < 2)
    found.push({ name: 'NumCPU', message: `the number of available CPUs ${cpus} is less than the required 2` })
  for (const port of [bindPort, 10259, 10257]) {
    if (await inUse(address, port)) found.push({ name: `Port-${port}`, message: `Port ${port} is in use` })
  }
  for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd']) {
    const path = `/etc/kubernetes/manifests/${name}.yaml`
    if (node.exists(path))
      found.push({ name: `FileAvailable--etc-kubernetes-manifests-${name}.yaml`, message: `${path} already exists` })
  }
  // Only where etcd is to run here (preflight/checks.go: cfg.Etcd.Local).
  if (cluster.etcd?.external !== undefined) return found
  for (const port of [2379, 2380]) {
    if (await inUse(address, port)) found.push({ name: `Port-${port}`, message: `Port ${port} is in use` })
  }
  const data = etcdDataOf(cluster)
  if (node.list(data).length > 0)
    found.push({ name: `DirAvailable-${data.replaceAll('/', '-')}`, message: `${data} is not empty` })
  return found
}

/** As kubeadm: tries to listen. */
function inUse(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(true))
    server.listen(port, address, () => server.close(() => resolve(false)))
  })
}
