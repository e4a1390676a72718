const isEmpty = (value: object): boolean => Object.keys(value).length === 0

/** What a list's item is called in a path: by its name where it has one, else by its place. */
function itemKey(item: unknown, index: number): string {
  const name = typeof item === 'object' && item !== null ? (item as { name?: unknown }).name : undefined
  return typeof name === 'string' ? name : String(index)
}

/**
 * The scalars of a JSON value by their paths: `containers[etcd].resources.requests.cpu`. A list of scalars is one leaf, and what is empty
 * is none: kubeadm writes `{}` and null for what is not set.
 */
export function leavesOf(value: unknown, path = ''): ReadonlyMap<string, string> {
  if (value === null || value === undefined || value === '') return new Map()
  if (typeof value !== 'object') return new Map([[path, String(value)]])
  if (isEmpty(value)) return new Map()
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) return new Map([[path, JSON.stringify(value)]])
    return new Map(value.flatMap((item, index) => [...leavesOf(item, `${path}[${itemKey(item, index)}]`)]))
  }
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`)
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, below(key))]))
}
