import { asQuorateError } from '@quorate/shared/errors'
import type { Host } from '../../host/host.js'
import { readFolders } from '../../host/node-folders.js'
import { isUserKubeconfigPath, kubernetesFolder, touchablePaths } from '../context/paths.js'

/** kubeadm upgrade leaves copies of etcd's data here: gigabytes, which no step touches. */
const skipped = `${kubernetesFolder}/tmp`

/** True for what is neither read nor written where it lies: a link, a file or folder that another user could exchange, a file that is too large. */
export const isRefused = (error: unknown): boolean =>
  ['SYMLINK_REFUSED', 'UNSAFE_FILE', 'FILE_TOO_LARGE'].includes(asQuorateError(error).code)

/** User kubeconfigs that exist on this node: root's and those of every home. A /home that cannot be listed has none, and is reported. */
export async function userKubeconfigs(host: Host, unlisted: (error: unknown) => void = () => {}): Promise<string[]> {
  const listed = await host.list('/home').catch((error: unknown) => {
    unlisted(error)
    return []
  })
  const homes = listed.filter(({ kind }) => kind === 'directory').map(({ name }) => `/home/${name}`)
  const present = await Promise.all(
    ['/root', ...homes].map(async (home) => ((await hasKubeconfig(host, home)) ? home : '')),
  )
  return present
    .filter((home) => home !== '')
    .map((home) => `${home}/.kube/config`)
    .filter(isUserKubeconfigPath)
}

/** A folder that is refused counts: the reader of the file reports why. */
async function hasKubeconfig(host: Host, home: string): Promise<boolean> {
  const entries = await host.list(`${home}/.kube`).catch((error: unknown) => (isRefused(error) ? 'refused' : []))
  if (entries === 'refused') return true
  return entries.some(({ name, kind }) => name === 'config' && (kind === 'file' || kind === 'symlink'))
}

/** Regular files below a folder, at any depth. */
export async function filesBelow(host: Host, folder: string): Promise<string[]> {
  if (folder === skipped) return []
  const found = await Promise.all(
    (await host.list(folder)).map(async ({ name, kind }) => {
      if (kind === 'directory') return filesBelow(host, `${folder}/${name}`)
      return kind === 'file' ? [`${folder}/${name}`] : []
    }),
  )
  return found.flat()
}

/** Every file that a step could touch on this node, existing or not, all of /etc/kubernetes and of the cluster's certificates. */
export async function filesToKeep(host: Host): Promise<string[]> {
  const { certificatesDir } = await readFolders(host)
  const found = await Promise.all([
    ...[touchablePaths(host), userKubeconfigs(host)],
    ...[kubernetesFolder, certificatesDir].map((folder) => filesBelow(host, folder)),
  ])
  return [...new Set(found.flat())]
}
