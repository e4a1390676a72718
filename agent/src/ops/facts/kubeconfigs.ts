import { QuorateError } from '@quorate/shared/errors'
import type { KubeconfigFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { sha256Hex } from '@quorate/shared/hash'
import { type KubeconfigView, kubeconfigClusters, readKubeconfig, redactKubeconfig } from '@quorate/shared/kubeconfig'
import type { Host, HostFile } from '../../host/host.js'
import { readKubelet } from '../../host/kubelet-places.js'
import { userKubeconfigs } from '../backup/select-files.js'
import { kubeconfigsWith } from '../paths.js'

/** Every kubeconfig of the agent's table that exists on this node, without its secrets. */
export async function readKubeconfigs(host: Host): Promise<KubeconfigFacts[]> {
  const users = await userKubeconfigs(host).catch(() => [])
  const all = [
    ...Object.entries(kubeconfigsWith(await readKubelet(host))).map(([purpose, path]) => ({ purpose, path })),
    ...users.map((path) => ({ purpose: 'user', path })),
  ]
  const seen = await Promise.all(all.map(({ purpose, path }) => kubeconfigFacts(host, purpose, path)))
  return seen.filter((facts) => facts !== undefined)
}

async function kubeconfigFacts(host: Host, purpose: string, path: string): Promise<KubeconfigFacts | undefined> {
  try {
    const seen = await readNotingLink(host, path)
    if (seen === undefined) return undefined
    const { file, linkTarget } = seen
    const { bytes, mode, uid, gid } = file
    const link = { symlink: linkTarget !== '', linkTarget }
    return {
      ...contents(bytes.toString('utf8'), purpose),
      path,
      purpose,
      sha256: sha256Hex(bytes),
      mode,
      uid,
      gid,
      ...link,
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return {
      ...unreadable(problem),
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

/** A link is read through, to say what is behind it; it is never written through. */
async function readNotingLink(host: Host, path: string): Promise<{ file: HostFile; linkTarget: string } | undefined> {
  const direct = await host.read(path).catch((error: unknown) => {
    if (error instanceof QuorateError && error.code === 'SYMLINK_REFUSED') return 'link' as const
    throw error
  })
  if (direct !== 'link') return direct === undefined ? undefined : { file: direct, linkTarget: '' }
  const file = await host.read(path, { followLinks: true })
  return file === undefined ? undefined : { file, linkTarget: await host.linkEnd(path) }
}

type Contents = Pick<KubeconfigFacts, 'server' | 'redactedText' | 'problem' | 'embeddedClientCertificate' | 'clusters'>

const unreadable = (problem: string): Contents => ({
  server: '',
  redactedText: '',
  problem,
  embeddedClientCertificate: false,
  clusters: [],
})

function contents(text: string, purpose: string): Contents {
  try {
    const clusters = kubeconfigClusters(text).map((cluster) => ({ ...cluster }))
    // kubectl makes do with an empty file, and with one that has no current-context: whose it is tells it each time.
    const isAtRest = purpose === 'user' && !clusters.some(({ inUse }) => inUse)
    const view: Partial<KubeconfigView> = isAtRest ? {} : readKubeconfig(text)
    return {
      server: view.server ?? '',
      redactedText: redactKubeconfig(text),
      problem: '',
      embeddedClientCertificate: view.clientCertificatePem !== undefined,
      clusters,
    }
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error))
  }
}
