import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { KubeconfigFacts, NodeFacts, UnreadFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import { type KubeconfigView, kubeconfigClusters, readKubeconfig } from '@quorate/shared/kubeconfig'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { Host, HostFile } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { userKubeconfigs } from '../backup/select-files.js'
import { kubeconfigsWith } from '../context/paths.js'
import { unreadFacts } from './unread.js'

/** Every kubeconfig of the agent's table that exists on this node, without its secrets. */
export async function readKubeconfigs(host: Host): Promise<Pick<NodeFacts, 'kubeconfigs' | 'unread'>> {
  const unread: UnreadFacts[] = []
  const users = await userKubeconfigs(host, (error) => unread.push(unreadFacts('kubeconfigs of users', error)))
  const all = [
    ...Object.entries(kubeconfigsWith(await readKubelet(host))).map(([purpose, path]) => ({ purpose, path })),
    ...users.map((path) => ({ purpose: 'user', path })),
  ]
  const seen = await Promise.all(all.map(({ purpose, path }) => kubeconfigFacts(host, purpose, path)))
  return { kubeconfigs: seen.filter((facts) => facts !== undefined), unread }
}

async function kubeconfigFacts(host: Host, purpose: string, path: string): Promise<KubeconfigFacts | undefined> {
  try {
    const seen = await readNotingLink(host, path)
    if (seen === undefined) return undefined
    const { file, linkTarget } = seen
    const { bytes, mode, uid, gid } = file
    const link = { symlink: linkTarget !== '', linkTarget }
    return {
      ...contents(bytes.toString('utf8'), { purpose, path }),
      path,
      purpose,
      sha256: sha256Hex(bytes),
      mode,
      uid,
      gid,
      ...link,
    }
  } catch (error) {
    return {
      ...unreadable(error),
      path,
      purpose,
      sha256: '',
      mode: 0,
      uid: 0,
      gid: 0,
      symlink: false,
      linkTarget: '',
    }
  }
}

/** A link is followed to report its target; nothing is written through it. */
async function readNotingLink(host: Host, path: string): Promise<{ file: HostFile; linkTarget: string } | undefined> {
  const direct = await host.read(path).catch((error: unknown) => {
    if (error instanceof QuorateError && error.code === 'SYMLINK_REFUSED') return 'link' as const
    throw error
  })
  if (direct !== 'link') return direct === undefined ? undefined : { file: direct, linkTarget: '' }
  const file = await host.read(path, { followLinks: true })
  return file === undefined ? undefined : { file, linkTarget: await host.linkEnd(path) }
}

type Contents = Pick<
  KubeconfigFacts,
  'server' | 'redactedText' | 'problem' | 'remedy' | 'embeddedClientCertificate' | 'clusters'
>

function unreadable(error: unknown): Contents {
  const { message: problem, remedy } = asQuorateError(error)
  return { server: '', redactedText: '', problem, remedy, embeddedClientCertificate: false, clusters: [] }
}

function contents(text: string, { purpose, path }: { readonly purpose: string; readonly path: string }): Contents {
  const place = filePlace(path)
  try {
    const clusters = kubeconfigClusters(text, place).map((cluster) => ({ ...cluster }))
    // kubectl accepts an empty file, and one without current-context: its owner names the context each time.
    const isAtRest = purpose === 'user' && !clusters.some(({ inUse }) => inUse)
    const view: Partial<KubeconfigView> = isAtRest ? {} : readKubeconfig(text, place)
    return {
      server: view.server ?? '',
      redactedText: redactKubeconfig(text),
      problem: '',
      remedy: '',
      embeddedClientCertificate: view.clientCertificatePem !== undefined,
      clusters,
    }
  } catch (error) {
    return unreadable(error)
  }
}
