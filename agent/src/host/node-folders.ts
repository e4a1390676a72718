import { posix } from 'node:path'
import {
  type ClusterFolders,
  certificatesDirOf,
  etcdDataDirOf,
  folderProblem,
  kubeadmFolders,
} from '@quorate/shared/cluster-folders'
import { QuorateError } from '@quorate/shared/errors'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import { remembered } from '@quorate/shared/remembered'
import { readStaticPod, type StaticPodView } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import { readYaml } from '@quorate/shared/yaml-text'
import type { Host } from './host.js'

/** WHERE THIS NODE'S CLUSTER KEEPS WHAT KUBEADM MAKES. The only source for that in the agent. */
export interface NodeFolders extends ClusterFolders {
  /** Static pods: `staticPodPath` of the kubelet's configuration. */
  readonly manifests: string
}

const mostLinks = 8
const usualManifests = '/etc/kubernetes/manifests'

/** The host as one request sees it: for a node in no cluster yet, with the folders of the cluster that it is about to join. */
export const toldOf = (host: Host, told: Partial<ClusterFolders> | undefined): Host =>
  told === undefined ? host : Object.assign(Object.create(host) as Host, { told })

/**
 * Found on the node itself: in its static pods, on a worker in its kubelet's configuration. Only a node in no cluster yet takes them from the request, and
 * only folders that are fit for a cluster and that only root could redirect: FOLDER_REFUSED.
 */
export async function readFolders(host: Host): Promise<NodeFolders> {
  const { staticPodPath, clientCaFile } = await kubeletConfiguration(host)
  const manifests = await accepted(host, staticPodPath, usualManifests)
  const [apiServer, etcd] = await Promise.all(
    ['kube-apiserver', 'etcd'].map((name) => podAt(host, `${manifests}/${name}.yaml`)),
  )
  const joined = apiServer !== undefined || (await isThere(host, usualKubelet.kubeconfig))
  const ofWorker = posix.basename(clientCaFile) === 'ca.crt' ? posix.dirname(clientCaFile) : undefined
  const told = joined ? {} : { ...(ofWorker === undefined ? {} : { certificatesDir: ofWorker }), ...given(host.told) }
  const seen = (apiServer && certificatesDirOf(apiServer)) ?? (joined ? ofWorker : told.certificatesDir)
  const data = (etcd && etcdDataDirOf(etcd)) ?? given(host.told).etcdDataDir
  return {
    manifests,
    certificatesDir: await accepted(host, seen, kubeadmFolders.certificatesDir),
    etcdDataDir: await accepted(host, data, kubeadmFolders.etcdDataDir),
  }
}

/** An empty text counts as absent. */
const given = (told: Partial<ClusterFolders> = {}): Partial<ClusterFolders> =>
  Object.fromEntries(Object.entries(told).filter(([, path]) => path !== ''))

interface KubeletSettings {
  readonly staticPodPath?: string
  readonly clientCaFile: string
}

async function kubeletConfiguration(host: Host): Promise<KubeletSettings> {
  const file = await host.read(usualKubelet.config, { followLinks: true }).catch(() => undefined)
  return (file && unlessBroken(() => kubeletSettings(file.bytes.toString('utf8')))) ?? { clientCaFile: '' }
}

const kubeletSettings = remembered((text): KubeletSettings => {
  const { value } = readYaml(text, 'CONFIG_MAP_INVALID', filePlace(usualKubelet.config))
  const { staticPodPath, authentication } = (value ?? {}) as {
    staticPodPath?: unknown
    authentication?: { x509?: { clientCAFile?: unknown } }
  }
  return {
    ...(typeof staticPodPath === 'string' && staticPodPath !== '' ? { staticPodPath: trimmed(staticPodPath) } : {}),
    clientCaFile: String(authentication?.x509?.clientCAFile ?? ''),
  }
})

const trimmed = (path: string): string => path.replace(/(?!^)\/+$/, '')

async function podAt(host: Host, path: string): Promise<StaticPodView | undefined> {
  const file = await host.read(path).catch(() => undefined)
  return file && unlessBroken(() => readStaticPod(file.bytes.toString('utf8'), filePlace(path)))
}

/** Undefined if a text cannot be parsed: a check or the kubelet reports that. */
function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

async function isThere(host: Host, path: string): Promise<boolean> {
  const beside = await host.list(posix.dirname(path)).catch(() => [])
  return beside.some(({ name }) => name === posix.basename(path))
}

/** A folder other than kubeadm's default must be fit for its purpose. */
async function accepted(host: Host, path: string | undefined, usual: string): Promise<string> {
  if (path === undefined || path === usual) return usual
  const problem = folderProblem(path) ?? (await insecure(host, path))
  if (problem === undefined) return path
  throw new QuorateError('FOLDER_REFUSED', `${JSON.stringify(path)} ${problem}`, { where: path })
}

/** Why a path could be redirected by other users than root; undefined if it could not. What does not exist yet is made by root. */
async function insecure(host: Host, path: string, links = 0): Promise<string | undefined> {
  if (links > mostLinks) return `is a chain of more than ${mostLinks} symbolic links`
  for (let at = path.indexOf('/', 1); ; at = path.indexOf('/', at + 1)) {
    const folder = at < 0 ? path : path.slice(0, at)
    const owned = await host.owned(folder)
    if (owned === undefined) return undefined
    if (owned.link !== undefined) {
      if (!owned.ours) return `leads through ${folder}, a link that is not root's`
      const end = posix.resolve(posix.dirname(folder), owned.link) + path.slice(folder.length)
      const problem = folderProblem(end)
      return problem === undefined ? insecure(host, end, links + 1) : `leads to ${end}, which ${problem}`
    }
    // kubeadm and etcd choose the owner of the folder itself.
    if (at < 0) return undefined
    if (!owned.ours) return `lies below ${folder}, where other users than root may write`
  }
}
