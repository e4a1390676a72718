import { QuorateError } from './errors.js'

export interface KubernetesVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** Parses `v1.37.2`, `1.31`, `v1.31.0-rc.1+abc` (pre-release and build are dropped); INVALID_REQUEST on anything else. */
export function parseVersion(text: string): KubernetesVersion {
  const match = /^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-+][0-9A-Za-z.+-]*)?$/.exec(text.trim())
  if (match === null)
    throw new QuorateError('INVALID_REQUEST', `not a Kubernetes version: ${JSON.stringify(text.slice(0, 80))}`)
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) }
}

const parsed = (version: string | KubernetesVersion): KubernetesVersion =>
  typeof version === 'string' ? parseVersion(version) : version

/** Below zero when `left` is older, zero when equal, above zero when newer: fit for `sort`. */
export function compareVersions(left: string | KubernetesVersion, right: string | KubernetesVersion): number {
  const [a, b] = [parsed(left), parsed(right)]
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch
}
