import type { PodDifference } from '@quorate/shared/static-pod-differences'
import type { MovedFolder } from '../facts/cluster-folders.js'

const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** `/etc/ssl/k8s` at the begin of a path, and not of `/etc/ssl/k8s-old`. */
function inPlaceOf(value: string, { said, used }: MovedFolder): string {
  return value.split(/(?<=[,=\s])/).reduce((text, part) => {
    const path = /^[^,=\s]*/.exec(part)?.[0] ?? ''
    return text + (below(path, said) ? used + part.slice(said.length) : part)
  }, '')
}

/** Whether a difference comes of nothing but a folder that kubeadm-config names otherwise: the check `cluster-folders` says that once. */
export function isOfMoved({ kind, name, one, other }: PodDifference, moved: readonly MovedFolder[]): boolean {
  return moved.some((folder) => {
    if (kind === 'mount' && one.length === 0) return below(name, folder.said)
    if (kind === 'mount' && other.length === 0) return below(name, folder.used)
    const put = other.map((value) => inPlaceOf(value, folder))
    return put.length === one.length && put.every((value, index) => value === one[index])
  })
}
