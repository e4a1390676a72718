import { parse } from 'yaml'

/**
 * Paths at which two YAML texts differ in what they mean: `controlPlaneEndpoint`, `apiServer.certSANs`, `clusters.0.cluster.server`.
 * Comments, order of keys and quoting are no difference. A mapping that appears or vanishes is named by its leaves (an empty one by itself).
 * Throws yaml's error for text that is none.
 */
export function changedPaths(before: string, after: string): string[] {
  return differences(parse(before), parse(after), [])
}

type Mapping = Record<string, unknown>

const isMapping = (value: unknown): value is Mapping => typeof value === 'object' && value !== null
const isEmpty = (value: unknown): boolean => !isMapping(value) || Object.keys(value).length === 0

function differences(before: unknown, after: unknown, path: readonly string[]): string[] {
  if (isMapping(before) && isMapping(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]))
  }
  if (before === undefined && isMapping(after) && !isEmpty(after)) return differences({}, after, path)
  if (after === undefined && isMapping(before) && !isEmpty(before)) return differences(before, {}, path)
  return Object.is(before, after) ? [] : [path.join('.')]
}
