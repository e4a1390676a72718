import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export const fixtureVersions = ['v1.30.4', 'v1.37.2'] as const
export type FixtureVersion = (typeof fixtureVersions)[number]

/** A file of a real cluster: `fixture('v1.37.2', 'before/admin.conf')`. */
export function fixture(version: FixtureVersion, path: string): string {
  return readFileSync(new URL(`../fixtures/${version}/${path}`, import.meta.url), 'utf8')
}

/** One entry of a real ConfigMap's data. */
export function fixtureData(version: FixtureVersion, path: string, key: string): string {
  return String(parse(fixture(version, path)).data[key])
}
