import type { DiskFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { etcdDataFolder, kubernetesFolder } from '../paths.js'
import type { Tools } from '../tools.js'

/** Space where the conversion writes and where etcd, images and pods live. */
export async function readDisks({ host, stateFolder }: Tools): Promise<DiskFacts[]> {
  // Not `/`: the agent's own sandbox shows it read-only, whatever the disk is.
  const paths = ['/etc', kubernetesFolder, etcdDataFolder, '/var/lib/kubelet', '/var/lib/containerd', stateFolder]
  const seen = await Promise.all(
    paths.map(async (path) => {
      const space = await host.diskSpace(path).catch(() => undefined)
      return space === undefined ? [] : [{ path, ...space }]
    }),
  )
  return seen.flat()
}
