import { posix } from 'node:path'
import type { ClusterFolders } from './cluster-folders.js'
import type { QuorateError } from './errors.js'
import { readFlags } from './flags.js'
import type { TextPlace } from './text-place.js'
import { lineOf, readYaml, type YamlPath, yamlError } from './yaml-text.js'

export interface HostPath {
  /** On the node. */
  readonly path: string
  /** `Directory`, `FileOrCreate`, ...; empty when the manifest does not say. */
  readonly type: string
  /** In the container; empty when nothing mounts it. */
  readonly mountPath: string
}

export interface StaticPodView {
  /** Label `component`, such as `kube-apiserver`; the pod's name where there is none. */
  readonly component: string
  readonly image: string
  /** Program and arguments. */
  readonly command: readonly string[]
  /** By name without dashes: `advertise-address`; a flag without a value is `true`; of a repeated one the last counts. */
  readonly flags: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly hostPaths: readonly HostPath[]
  /** AppArmor profile of the node that its container asks for (type Localhost); empty for none. */
  readonly apparmorProfile: string
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const asObject = (value: unknown): Json => (isObject(value) ? value : {})
const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : [])
const asText = (value: unknown): string =>
  value === undefined || value === null || typeof value === 'object' ? '' : String(value)
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(asText) : [])

function readHostPaths(spec: Json, container: Json): HostPath[] {
  const mounts = objects(container['volumeMounts'])
  return objects(spec['volumes']).flatMap((volume) => {
    const hostPath = volume['hostPath']
    if (!isObject(hostPath) || asText(hostPath['path']) === '') return []
    const mount = mounts.find((one) => one['name'] === volume['name'])
    return [{ path: asText(hostPath['path']), type: asText(hostPath['type']), mountPath: asText(mount?.['mountPath']) }]
  })
}

/** Reads a static pod's manifest; MANIFEST_INVALID, with the place, when it is not a pod with a container. */
export function readStaticPod(manifestText: string, place: TextPlace): StaticPodView {
  const yaml = readYaml(manifestText, 'MANIFEST_INVALID', place)
  const { value } = yaml
  const invalid = (path: YamlPath, why: string): QuorateError =>
    yamlError(yaml, { line: lineOf(yaml, path), why, remedy: 'correct it, or put back what kubeadm wrote' })
  if (!isObject(value) || value['kind'] !== 'Pod') throw invalid(['kind'], 'its kind is not Pod')
  const [metadata, spec] = [asObject(value['metadata']), asObject(value['spec'])]
  const component = asText(asObject(metadata['labels'])['component']) || asText(metadata['name'])
  const containers = objects(spec['containers'])
  // Injected sidecars come after; the component's own container bears its name.
  const container = containers.find((one) => one['name'] === component) ?? containers[0]
  if (container === undefined) throw invalid(['spec', 'containers'], 'it has no container')
  const command = [...texts(container['command']), ...texts(container['args'])]
  return {
    component,
    image: asText(container['image']),
    command,
    flags: Object.fromEntries(readFlags(command).map(({ name, value }) => [name, value])),
    annotations: Object.fromEntries(
      Object.entries(asObject(metadata['annotations'])).map(([key, text]) => [key, asText(text)]),
    ),
    hostPaths: readHostPaths(spec, container),
    apparmorProfile: localProfile(metadata, spec, container),
  }
}

/** Of the securityContext (1.30 and later), or of the annotation before it: `localhost/NAME`. */
function localProfile(metadata: Json, spec: Json, container: Json): string {
  for (const { securityContext } of [container, spec]) {
    const profile = asObject(asObject(securityContext)['appArmorProfile'])
    if (profile['type'] === 'Localhost') return asText(profile['localhostProfile'])
  }
  const key = `container.apparmor.security.beta.kubernetes.io/${asText(container['name'])}`
  return /^localhost\/(.{1,300})$/.exec(asText(asObject(metadata['annotations'])[key]))?.[1] ?? ''
}

/** Mounts that kubeadm makes itself (app/phases/controlplane/volumes.go, app/phases/etcd/local.go). */
const ownMounts = new Set([
  '/etc/ssl/certs',
  '/etc/ca-certificates',
  '/etc/pki',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
  '/etc/kubernetes/controller-manager.conf',
  '/etc/kubernetes/scheduler.conf',
  '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
])

/** The same, where the cluster keeps it. */
const mountsOf = ({ certificatesDir, etcdDataDir }: ClusterFolders): readonly string[] => [
  certificatesDir,
  `${certificatesDir}/etcd`,
  etcdDataDir,
]

/** Files that kubeadm makes or downloads on each control plane (app/phases/certs, copycerts). */
const filesOf = ({ certificatesDir: folder }: ClusterFolders): readonly string[] =>
  [
    ...['ca', 'front-proxy-ca', 'etcd/ca', 'apiserver', 'apiserver-kubelet-client', 'apiserver-etcd-client'],
    ...['front-proxy-client', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client'],
  ]
    .flatMap((name) => [`${folder}/${name}.crt`, `${folder}/${name}.key`])
    .concat(`${folder}/sa.pub`, `${folder}/sa.key`)

/**
 * Client files for an external etcd. Their folders are mounted by kubeadm itself (app/phases/controlplane/volumes.go, getEtcdCertVolumes), and
 * what else lies there is no business of a joiner: an etcd on the same machine may keep its own keys beside them.
 */
const etcdClientFlags = ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile']

/** Flags that name what a program writes, not what it reads. */
const outputFlags = new Set([
  'audit-log-path',
  'log-file',
  'log-dir',
  'data-dir',
  'wal-dir',
  'cert-dir',
  'profiling-path',
])

const below = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)

/** A path in the container as the node sees it; undefined when it lies in the image. */
export function onTheNode(path: string, hostPaths: readonly HostPath[]): string | undefined {
  const mount = hostPaths
    .filter(({ mountPath }) => mountPath !== '' && below(path, mountPath))
    .sort((a, b) => b.mountPath.length - a.mountPath.length)[0]
  return mount === undefined ? undefined : mount.path + path.slice(mount.mountPath.length)
}

function pathsIn(value: string): string[] {
  return value.split(',').filter((path) => path.startsWith('/') && path.length > 1)
}

/** Types by which the kubelet refuses a pod whose path is not there; with the others it, or the container runtime, makes one (pkg/volume/hostpath/host_path.go). */
const strictTypes = new Set(['File', 'Directory', 'Socket', 'CharDevice', 'BlockDevice'])

/**
 * Folders of kubeadm's own mounts that this pod cannot do without: kubeadm mounts what is there and lets it be made, an operator's
 * extraVolumes may ask for it by type. They belong to each machine (CA certificates of its distribution) and are never brought.
 */
export const ownFoldersNeededBy = (pod: StaticPodView): readonly HostPath[] =>
  pod.hostPaths.filter(
    ({ path, type }) => ownMounts.has(path) && !path.startsWith('/etc/kubernetes/') && strictTypes.has(type),
  )

/**
 * Files and folders of the node that this pod reads and that kubeadm would not bring to another one: values of flags (audit
 * policy, encryption configuration, OIDC CA, ...) and mounts beyond kubeadm's own. A joiner without them gets a control plane
 * that never starts. Paths on the node, sorted; what the pod writes is left out.
 */
export function filesNamedBy(pod: StaticPodView, folders: ClusterFolders): string[] {
  const mounts = new Set([...ownMounts, ...mountsOf(folders)])
  const own = new Set([...mounts, ...filesOf(folders)])
  const outputs: string[] = []
  const named = new Set<string>()
  for (const [flag, value] of Object.entries(pod.flags)) {
    for (const path of pathsIn(value)) {
      const file = onTheNode(path, pod.hostPaths)
      if (file === undefined) continue
      if (outputFlags.has(flag)) outputs.push(file)
      else if (!own.has(file)) named.add(file)
    }
  }
  const etcdFolders = etcdClientFlags.map((flag) => posix.dirname(pod.flags[flag] ?? ''))
  for (const { path } of pod.hostPaths) {
    if (etcdFolders.includes(path)) continue
    const written = outputs.some((output) => below(output, path))
    if (!written && !mounts.has(path) && path !== pod.flags['flex-volume-plugin-dir']) named.add(path)
  }
  return [...named].sort()
}
