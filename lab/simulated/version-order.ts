const numbers = (version: string): number[] =>
  version
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10))

/** Whether `v1.37.2` is of the release `1.33` or a later one. */
export function atLeast(version: string, release: string): boolean {
  const [major = 0, minor = 0] = numbers(version)
  const [wantedMajor = 0, wantedMinor = 0] = numbers(release)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
