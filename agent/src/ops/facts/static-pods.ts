import type { NodeFacts, StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { filesNamedBy, readStaticPod, type StaticPodView } from '@quorate/shared/static-pod'
import type { Host, HostFile } from '../../host/host.js'
import { type NodeFolders, readFolders } from '../../host/node-folders.js'
import { manifestPath, staticPodComponents } from '../paths.js'

/** A static pod of this node with the files that it needs beyond kubeadm's own. */
interface SeenPod {
  readonly pod: StaticPodView
  readonly files: readonly string[]
}

/** What is in a manifest, by the file as it was read: one look at a node asks three times. */
const podIn = new WeakMap<HostFile, SeenPod | undefined>()

/** The manifests of kubeadm's components that can be read. */
export async function readPods(host: Host): Promise<SeenPod[]> {
  const folders = await readFolders(host)
  const files = await Promise.all(
    staticPodComponents.map((component) => host.read(manifestPath(folders, component)).catch(() => undefined)),
  )
  return files.flatMap((file) => {
    if (file === undefined) return []
    if (!podIn.has(file)) podIn.set(file, seenPod(file, folders))
    return podIn.get(file) ?? []
  })
}

function seenPod({ bytes }: HostFile, folders: NodeFolders): SeenPod | undefined {
  try {
    const pod = readStaticPod(bytes.toString('utf8'))
    return { pod, files: filesNamedBy(pod, folders) }
  } catch {
    return undefined
  }
}

export async function readStaticPods(host: Host): Promise<Pick<NodeFacts, 'staticPods' | 'strayManifests'>> {
  const folders = await readFolders(host)
  const { manifests } = folders
  const [pods, entries] = await Promise.all([readPods(host), host.list(manifests).catch(() => [])])
  const ownKubeVip = (await readText(host, kubeVipManifestPath)) ?? ''
  const known = [
    ...staticPodComponents.map((component) => manifestPath(folders, component)),
    ...(isQuorateConfig(ownKubeVip) ? [kubeVipManifestPath] : []),
  ]
  // The kubelet skips what begins with a dot, and folders (pkg/kubelet/config/file.go).
  const stray = entries.filter(
    ({ name, kind }) => kind !== 'directory' && !name.startsWith('.') && !known.includes(`${manifests}/${name}`),
  )
  return { staticPods: pods.map(({ pod }) => describe(pod)), strayManifests: stray.map(({ name }) => name) }
}

const readText = async (host: Host, path: string): Promise<string | undefined> =>
  (await host.read(path).catch(() => undefined))?.bytes.toString('utf8')

function describe(pod: StaticPodView): StaticPodFacts {
  return {
    component: pod.component,
    image: pod.image,
    command: pod.command.map(maskFlag),
    annotations: { ...pod.annotations },
    hostPaths: pod.hostPaths.map(({ path }) => path),
    apparmorProfile: pod.apparmorProfile,
  }
}

/** Paths and booleans are no secrets: `--token-auth-file=/etc/...` and `--enable-bootstrap-token-auth=true` stay. */
export function maskFlag(word: string): string {
  const [, flag, value] = /^(--?[^=]*(?:token|password)[^=]*)=([\s\S]*)$/i.exec(word) ?? []
  if (flag === undefined || value === undefined || /^(\/|true$|false$|\d+[a-z]*$)/.test(value)) return word
  return `${flag}=<masked>`
}
