import { posix } from 'node:path'
import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'

/** Limits of what an agent copies (agent/src/ops/shared-files/limits.ts), in readable units. */
const mostBytes = 1024 * 1024
const mostBytesTogether = 2 * 1024 * 1024

/** One file or folder that a joiner does not get by itself: why, and what to type there. */
export interface Lacking {
  /** On the first control plane where `onFirst`: it lacks it too. */
  readonly onFirst: boolean
  readonly why: string
  readonly remedy: string
}

/** The agent gives no hash for a file that it cannot bring along. */
export const isBrought = ({ shareable, sha256 }: SharedFile): boolean => sha256 !== '' && shareable

/** Types by which the kubelet makes what is not there (pkg/volume/hostpath/host_path.go); without a type the container runtime makes a folder. */
const isMade = ({ type, mounted }: SharedFile): boolean =>
  mounted && ['', 'DirectoryOrCreate', 'FileOrCreate'].includes(type)

/** What lies on one joiner at the paths that were asked for. */
interface There {
  readonly kinds: Readonly<Record<string, string>>
  /** Of what could be brought along. */
  readonly sha256: Readonly<Record<string, string>>
}

/** What a joiner lacks of a path of the first control plane's manifests once all is brought and made; undefined where nothing. */
export function lackingOf(file: SharedFile, first: string, there: There): Lacking | undefined {
  const present = there.kinds[file.path]
  if (file.kind === '') return absentOnFirst(file, first, there)
  if (present !== undefined && present !== file.kind) return anotherKind(file, first, present)
  const sha256 = there.sha256[file.path]
  if (isBrought(file) && sha256 !== undefined && sha256 !== file.sha256) return otherContent(file, first)
  if (present !== undefined || isBrought(file)) return undefined
  const of = byKind[file.kind] ?? special
  return of(file, first)
}

function absentOnFirst(file: SharedFile, first: string, there: There): Lacking | undefined {
  const { path, component } = file
  const folder = posix.dirname(path)
  if (file.type === 'FileOrCreate' && file.mounted && there.kinds[folder] === undefined)
    return {
      onFirst: false,
      why: `the kubelet creates the file, but not ${folder}, which does not exist`,
      remedy: `On that node: mkdir -p ${folder}`,
    }
  if (isMade(file)) return undefined
  return {
    onFirst: true,
    why: `it does not exist on ${first}: ${component} would not restart there either`,
    remedy: `On ${first}: ls -ld ${path}; put it back, or remove it from /etc/kubernetes/manifests/${component}.yaml and from ${component} in kubeadm-config (kubectl -n kube-system edit configmap kubeadm-config).`,
  }
}

/** Often an empty folder that the runtime made when a pod asked for a file that was not there. */
function anotherKind({ path, kind }: SharedFile, first: string, present: string): Lacking {
  const remove =
    present === 'directory'
      ? `rmdir ${path} (it refuses a folder that is not empty: check its content first)`
      : `mv ${path} ${path}.old`
  return {
    onFirst: false,
    why: `there it is a ${present}, on ${first} a ${kind}`,
    remedy: `On that node: ls -ld ${path}; if nothing needs it: ${remove}`,
  }
}

/** Nothing of a machine is overwritten: which of the two is right is for its operator. */
const otherContent = ({ path }: SharedFile, first: string): Lacking => ({
  onFirst: false,
  why: `it exists with different content than on ${first}, and is not overwritten`,
  remedy: `On that node: ssh root@${first} cat ${path} | diff ${path} -; if this one is a leftover: mv ${path} ${path}.old`,
})

const copy = (path: string, first: string): string =>
  `On that node: mkdir -p ${posix.dirname(path)} && scp -p root@${first}:${path} ${path} (the same owner and mode; then plan again).`

const byKind: Readonly<Record<string, (file: SharedFile, first: string) => Lacking | undefined>> = {
  file: ({ path, bytes, shareable }, first) => ({
    onFirst: false,
    why: whyNotBrought(shareable, bytes),
    remedy: copy(path, first),
  }),
  directory: folder,
}

function whyNotBrought(shareable: boolean, bytes: number): string {
  if (bytes > mostBytes) return `with ${(bytes / mostBytes).toFixed(1)} MiB it is too large to copy (limit 1 MiB)`
  return shareable
    ? 'it cannot be read there'
    : 'Quorate copies files only below /etc/kubernetes and /var/lib/kubernetes, and etcd certificates below /etc/etcd and /etc/ssl/etcd, but none of the kubelet or of kubeadm'
}

function folder(file: SharedFile, first: string): Lacking | undefined {
  const { path, cut } = file
  if (cut)
    return {
      onFirst: false,
      why: 'it has more than 200 files, the limit for copying',
      remedy: `On that node: mkdir -p ${path} && scp -pr root@${first}:${path}/. ${path}/ (the same owners and modes; then plan again).`,
    }
  if (isMade(file) || !file.mounted) return undefined
  return {
    onFirst: false,
    why: 'the kubelet does not create it',
    remedy: `On that node: mkdir -p ${path}${inTmpfs(path)}`,
  }
}

/** /run is empty after each boot, /var/run is a link to it. */
const inTmpfs = (path: string): string =>
  /^\/(var\/)?run\//.test(path)
    ? `, and for each boot: echo 'd ${path.replace(/^\/var\/run\//, '/run/')} 0755 root root -' > /etc/tmpfiles.d/${posix.basename(path)}.conf`
    : ''

/** Sockets and devices are made by a program or the kernel, never copied. */
function special({ path, kind, component }: SharedFile, first: string): Lacking {
  const of =
    kind === 'socket'
      ? `start the program that listens on ${path} there, as on ${first} (ss -xlp | grep ${path} names it)`
      : `provide the ${kind} there, as on ${first} (ls -l ${path})`
  return {
    onFirst: false,
    why: `it is a ${kind}, which cannot be copied`,
    remedy: `On that node: ${of}, before ${component} starts; until then: ls -l ${path}`,
  }
}

/** Bytes of all that is brought, where that is more than one message takes. */
export function tooMuchTogether(files: readonly SharedFile[]): number | undefined {
  const bytes = files.filter(isBrought).reduce((sum, one) => sum + one.bytes, 0)
  return bytes > mostBytesTogether * 0.95 ? bytes : undefined
}
