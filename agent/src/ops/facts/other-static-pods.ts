import type { NodeFacts, OtherStaticPod } from '@quorate/shared/gen/quorate/v1/facts'
import { maskedWords } from '@quorate/shared/mask'
import { kmsSocketsIn, readOtherStaticPod } from '@quorate/shared/other-static-pod'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { readMask } from './node-mask.js'
import { readPods } from './static-pods.js'
import { readLine } from './system.js'

const longestManifest = 262_144
const mostSockets = 500

/** The other static pods, by file name, and what this node's API server needs from them. */
export async function readOtherStaticPods(
  host: Host,
  files: readonly string[],
): Promise<Pick<NodeFacts, 'otherStaticPods' | 'kmsSockets' | 'listeningUnixSockets'>> {
  const [otherStaticPods, kmsSockets, unix] = await Promise.all([
    Promise.all(files.map((file) => readOther(host, file))),
    readKmsSockets(host),
    readLine(host, '/proc/net/unix'),
  ])
  return { otherStaticPods, kmsSockets, listeningUnixSockets: listeningIn(unix) }
}

async function readOther(host: Host, file: string): Promise<OtherStaticPod> {
  const folders = await readFolders(host)
  const path = `${folders.manifests}/${file}`
  const text = await host
    .read(path, { followLinks: true })
    .then((found) => found?.bytes.subarray(0, longestManifest).toString('utf8') ?? '')
    .catch(() => '')
  const { pod, images, hostPaths, command, problem } = readOtherStaticPod(text, filePlace(path))
  return {
    ...{ file, pod, problem },
    images: [...images],
    hostPaths: [...hostPaths],
    command: maskedWords(await readMask(host, folders), command),
  }
}

/** Only the endpoints are read from the encryption configuration: the rest is keys. */
async function readKmsSockets(host: Host): Promise<string[]> {
  const apiServer = (await readPods(host)).find(({ pod }) => pod.component === 'kube-apiserver')?.pod
  const inside = apiServer?.flags['encryption-provider-config']
  if (apiServer === undefined || inside === undefined) return []
  const mount = apiServer.hostPaths.find(
    ({ mountPath }) => mountPath !== '' && (inside === mountPath || inside.startsWith(`${mountPath}/`)),
  )
  if (mount === undefined) return []
  const onNode = (path: string): string => {
    const of = apiServer.hostPaths.find(({ mountPath }) => mountPath !== '' && path.startsWith(`${mountPath}/`))
    return of === undefined ? path : of.path + path.slice(of.mountPath.length)
  }
  const path = mount.path + inside.slice(mount.mountPath.length)
  return kmsSocketsIn(await readLine(host, path), filePlace(path)).map(onNode)
}

/** Listening sockets in /proc/net/unix, by their flags (include/linux/net.h: __SO_ACCEPTCON, 1 << 16), by path. */
function listeningIn(text: string): string[] {
  const paths = text.split('\n').flatMap((line) => {
    const [, flags, path] = /^\S+: \S+ \S+ ([0-9A-F]{8}) \S+ \S+ +\d+ (\/\S{1,300})$/.exec(line) ?? []
    return path !== undefined && Number.parseInt(flags ?? '0', 16) & 0x10000 ? [path] : []
  })
  return [...new Set(paths)].slice(0, mostSockets)
}
