import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { ManifestProblem, NodeFacts, StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { filesNamedBy, readStaticPod, type StaticPodView } from '@quorate/shared/static-pod'
import { masked, readStaticPodDetails, type StaticPodDetails } from '@quorate/shared/static-pod-details'
import type { Host, HostFile } from '../../host/host.js'
import { type NodeFolders, readFolders } from '../../host/node-folders.js'
import { manifestPath, staticPodComponents } from '../paths.js'

/** A static pod of this node with the files that it needs beyond kubeadm's own. */
interface SeenPod {
  readonly pod: StaticPodView
  readonly files: readonly string[]
  readonly details: StaticPodDetails
}

/** What is in a manifest, or why it cannot be read, by the file as it was read: one look at a node asks three times. */
const podIn = new WeakMap<HostFile, SeenPod | QuorateError>()

/** The manifests of kubeadm's components that can be read. */
export async function readPods(host: Host): Promise<SeenPod[]> {
  const folders = await readFolders(host)
  const files = await Promise.all(
    staticPodComponents.map((component) => host.read(manifestPath(folders, component)).catch(() => undefined)),
  )
  return files.flatMap((file) => {
    const seen = file === undefined ? undefined : seenPod(file, folders)
    return seen === undefined || seen instanceof QuorateError ? [] : [seen]
  })
}

function seenPod(file: HostFile, folders: NodeFolders): SeenPod | QuorateError {
  const seen = podIn.get(file) ?? readPod(file, folders)
  podIn.set(file, seen)
  return seen
}

function readPod({ bytes }: HostFile, folders: NodeFolders): SeenPod | QuorateError {
  try {
    const text = bytes.toString('utf8')
    const pod = readStaticPod(text)
    return { pod, files: filesNamedBy(pod, folders), details: readStaticPodDetails(text, pod.component) }
  } catch (error) {
    return asQuorateError(error)
  }
}

/** The manifests of kubeadm's components that cannot be read, or that are links: the kubelet follows these, Quorate writes through none. */
async function readManifestProblems(host: Host): Promise<ManifestProblem[]> {
  const folders = await readFolders(host)
  const seen = await Promise.all(
    staticPodComponents.map(async (component): Promise<ManifestProblem[]> => {
      const path = manifestPath(folders, component)
      try {
        const file = await host.read(path)
        const pod = file === undefined ? undefined : seenPod(file, folders)
        return pod instanceof QuorateError ? [{ path, component, problem: pod.message, linkTarget: '' }] : []
      } catch (error) {
        const { code, message } = asQuorateError(error)
        const linkTarget = code === 'SYMLINK_REFUSED' ? await host.linkEnd(path).catch(() => '') : ''
        return [{ path, component, problem: message, linkTarget }]
      }
    }),
  )
  return seen.flat()
}

export async function readStaticPods(
  host: Host,
): Promise<Pick<NodeFacts, 'staticPods' | 'strayManifests' | 'manifestProblems'>> {
  const folders = await readFolders(host)
  const { manifests } = folders
  const [pods, entries, manifestProblems] = await Promise.all([
    readPods(host),
    host.list(manifests).catch(() => []),
    readManifestProblems(host),
  ])
  const ownKubeVip = (await readText(host, kubeVipManifestPath)) ?? ''
  const known = [
    ...staticPodComponents.map((component) => manifestPath(folders, component)),
    ...(isQuorateConfig(ownKubeVip) ? [kubeVipManifestPath] : []),
  ]
  // The kubelet skips what begins with a dot, and folders (pkg/kubelet/config/file.go).
  const stray = entries.filter(
    ({ name, kind }) => kind !== 'directory' && !name.startsWith('.') && !known.includes(`${manifests}/${name}`),
  )
  return {
    staticPods: pods.map(describe),
    strayManifests: stray.map(({ name }) => name),
    manifestProblems,
  }
}

const readText = async (host: Host, path: string): Promise<string | undefined> =>
  (await host.read(path).catch(() => undefined))?.bytes.toString('utf8')

/** A manifest's text as facts: what runs here, or what kubeadm would write. Undefined where it is none. */
export function podFacts(text: string): StaticPodFacts {
  const pod = readStaticPod(text)
  return describe({ pod, details: readStaticPodDetails(text, pod.component) })
}

function describe({ pod, details }: Pick<SeenPod, 'pod' | 'details'>): StaticPodFacts {
  return {
    component: pod.component,
    image: pod.image,
    command: maskSecrets(pod.command),
    annotations: { ...pod.annotations },
    hostPaths: pod.hostPaths.map(({ path }) => path),
    apparmorProfile: pod.apparmorProfile,
    env: [...details.env],
    mounts: [...details.mounts],
    settings: { ...details.settings },
    lines: { ...details.lines },
  }
}

/** Paths, booleans and numbers are no secrets: `--token-auth-file=/etc/...` and `--enable-bootstrap-token-auth=true` stay. */
const isPlain = (value: string): boolean => /^(\/|true$|false$|\d+[a-z]*$)/.test(value)

/** A secret may stand in the flag's own word or in the one after it. */
export function maskSecrets(command: readonly string[]): string[] {
  return command.map((word, index) => {
    const [, flag, value] = /^(--?[^=]*(?:token|password)[^=]*)=([\s\S]*)$/i.exec(word) ?? []
    if (flag !== undefined && value !== undefined) return isPlain(value) ? word : `${flag}=${masked(value)}`
    const follows = /^--?[^=]*(token|password)[^=]*$/i.test(command[index - 1] ?? '') && !word.startsWith('-')
    return follows && !isPlain(word) ? masked(word) : word
  })
}
