import type { DiskFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { readFolders } from '../../host/node-folders.js'
import { kubeletFolder, kubernetesFolder } from '../context/paths.js'
import type { Tools } from '../context/tools.js'

/** Free space where the conversion writes and where etcd, images and pods are. */
export async function readDisks({ host, stateFolder }: Pick<Tools, 'host' | 'stateFolder'>): Promise<DiskFacts[]> {
  const { certificatesDir, etcdDataDir } = await readFolders(host)
  // Not `/`: the agent's own sandbox shows it read-only, whatever the disk is.
  const own = ['/etc', kubernetesFolder, certificatesDir, etcdDataDir]
  const paths = [...new Set([...own, kubeletFolder, '/var/lib/containerd', stateFolder])]
  const seen = await Promise.all(
    paths.map(async (path) => {
      const space = await host.diskSpace(path).catch(() => undefined)
      return space === undefined ? [] : [{ path, ...space }]
    }),
  )
  return seen.flat()
}
