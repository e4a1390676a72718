import { posix } from 'node:path'
import type { CommandResult, DirectoryEntry, Host, HostFile } from '../../host/host.js'
import { kubernetesFolder } from '../context/paths.js'

/**
 * The host for one answer: each file and folder is read once, each program run once, so that all parts of the answer are consistent. Several of
 * them read the same kubeconfigs and manifests, and a gate reads facts several times a second.
 */
export function oneLook(host: Host): Host {
  const files = new Map<string, Promise<HostFile | undefined>>()
  const folders = new Map<string, Promise<readonly DirectoryEntry[]>>()
  const programs = new Map<string, Promise<CommandResult>>()
  const list = (path: string) => once(folders, path, () => host.list(path))
  /** A worker has almost none of kubeadm's files: one read of the folder saves forty reads of missing files. */
  const isListed = async (path: string) =>
    !path.startsWith(`${kubernetesFolder}/`) ||
    (await list(posix.dirname(path))).some(({ name }) => name === posix.basename(path))
  const look: Pick<Host, 'read' | 'list' | 'run'> = {
    list,
    run: (command, signal) => once(programs, JSON.stringify(command), () => host.run(command, signal)),
    read: (path, options) =>
      once(files, options?.followLinks === true ? `${path} or its end` : path, async () =>
        (await isListed(path).catch(() => true)) ? host.read(path, options) : undefined,
      ),
  }
  return Object.assign(Object.create(host), look)
}

function once<T>(seen: Map<string, Promise<T>>, key: string, look: () => Promise<T>): Promise<T> {
  const known = seen.get(key) ?? look()
  seen.set(key, known)
  return known
}
