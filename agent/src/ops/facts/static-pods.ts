import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { ManifestProblem, NodeFacts, StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { type Mask, maskedWords } from '@quorate/shared/mask'
import { readStaticPod, type StaticPodView } from '@quorate/shared/static-pod'
import { readStaticPodDetails, type StaticPodDetails } from '@quorate/shared/static-pod-details'
import { filesNamedBy } from '@quorate/shared/static-pod-files'
import { filePlace, type TextPlace } from '@quorate/shared/text-place'
import type { Host, HostFile } from '../../host/host.js'
import { type NodeFolders, readFolders } from '../../host/node-folders.js'
import { manifestPath, staticPodComponents } from '../context/paths.js'
import { readMask } from './node-mask.js'

/** A static pod of this node with the files that it needs beyond kubeadm's own. */
interface SeenPod {
  readonly pod: StaticPodView
  /** Of the pod, without secrets. */
  readonly command: readonly string[]
  readonly files: readonly string[]
  readonly details: StaticPodDetails
}

/** A parsed manifest, or why it cannot be read, cached by its content: one read of a node's facts asks three times. */
const podIn = new WeakMap<HostFile, SeenPod | QuorateError>()

/** The manifests of kubeadm's components that can be read. */
export async function readPods(host: Host): Promise<SeenPod[]> {
  const how = await readHow(host)
  const pods = await Promise.all(
    staticPodComponents.map(async (component) => {
      const path = manifestPath(how.folders, component)
      const file = await host.read(path).catch(() => undefined)
      return file === undefined ? undefined : seenPod(path, file, how)
    }),
  )
  return pods.flatMap((seen) => (seen === undefined || seen instanceof QuorateError ? [] : [seen]))
}

/** Parser for manifests of this node. */
interface How {
  readonly folders: NodeFolders
  readonly mask: Mask
}

async function readHow(host: Host): Promise<How> {
  const folders = await readFolders(host)
  return { folders, mask: await readMask(host, folders) }
}

function seenPod(path: string, file: HostFile, how: How): SeenPod | QuorateError {
  const seen = podIn.get(file) ?? readPod(filePlace(path), file, how)
  podIn.set(file, seen)
  return seen
}

function readPod(place: TextPlace, { bytes }: HostFile, { folders, mask }: How): SeenPod | QuorateError {
  try {
    const text = bytes.toString('utf8')
    const pod = readStaticPod(text, place)
    const command = maskedWords(mask, pod.command)
    const details = readStaticPodDetails(text, pod.component, { mask, place })
    return { pod, command, files: filesNamedBy(pod, folders), details }
  } catch (error) {
    return asQuorateError(error)
  }
}

/** The manifests of kubeadm's components that cannot be read, or that are links: the kubelet follows links, Quorate does not write through them. */
async function readManifestProblems(host: Host): Promise<ManifestProblem[]> {
  const how = await readHow(host)
  const seen = await Promise.all(
    staticPodComponents.map(async (component): Promise<ManifestProblem[]> => {
      const path = manifestPath(how.folders, component)
      try {
        const file = await host.read(path)
        const pod = file === undefined ? undefined : seenPod(path, file, how)
        if (!(pod instanceof QuorateError)) return []
        return [{ path, component, problem: pod.message, remedy: pod.remedy, linkTarget: '' }]
      } catch (error) {
        const { code, message, remedy } = asQuorateError(error)
        const linkTarget = code === 'SYMLINK_REFUSED' ? await host.linkEnd(path).catch(() => '') : ''
        return [{ path, component, problem: message, remedy, linkTarget }]
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
  // The kubelet skips hidden files and folders (pkg/kubelet/config/file.go).
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

/** A manifest's text as facts: of what runs here, or of what kubeadm would write. Undefined if it is no manifest. */
export function podFacts(text: string, mask: Mask, place: TextPlace): StaticPodFacts {
  const pod = readStaticPod(text, place)
  const command = maskedWords(mask, pod.command)
  return describe({ pod, command, details: readStaticPodDetails(text, pod.component, { mask, place }) })
}

function describe({ pod, command, details }: Pick<SeenPod, 'pod' | 'command' | 'details'>): StaticPodFacts {
  return {
    component: pod.component,
    image: pod.image,
    command: [...command],
    annotations: { ...pod.annotations },
    hostPaths: pod.hostPaths.map(({ path }) => path),
    apparmorProfile: pod.apparmorProfile,
    env: [...details.env],
    mounts: [...details.mounts],
    settings: { ...details.settings },
    lines: { ...details.lines },
  }
}
