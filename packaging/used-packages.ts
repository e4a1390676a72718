import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { root } from './bundle.js'

/** A package of npm of which at least one byte is in a bundle. */
export interface UsedPackage {
  readonly name: string
  readonly version: string
  /** SPDX, as its package.json has it. */
  readonly license: string
  /** Of what the registry serves, as the lock file pins it: `sha512-...`. */
  readonly integrity: string
  /** The texts of its licence and notices. */
  readonly texts: readonly string[]
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string }>>
}

/** The packages in a bundle, by the files that the bundler says that it put in, sorted by name. */
export function usedPackages({ outputs }: Metafile): readonly UsedPackage[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => folderOf(path))
  const folders = [...new Set(used)].filter((folder) => folder !== undefined)
  // A package can lie in several places.
  const packages = new Map(
    folders.map((folder) => usedPackage(folder, lock)).map((one) => [`${one.name} ${one.version}`, one]),
  )
  return [...packages.keys()].sort().flatMap((key) => packages.get(key) ?? [])
}

/** `node_modules/a/node_modules/@b/c` of a file inside; undefined for a file of Quorate's own. */
const folderOf = (path: string): string | undefined => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]

function usedPackage(folder: string, { packages }: LockFile): UsedPackage {
  const { name, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const locked = packages[folder]
  if (locked?.integrity === undefined) throw new Error(`${folder} is bundled, and package-lock.json does not pin it`)
  if (typeof license !== 'string') throw new Error(`${folder} is bundled, and its package.json names no licence`)
  const files = readdirSync(join(root, folder)).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file))
  const texts = files.sort().map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  return { name, version: locked.version, license, integrity: locked.integrity, texts }
}
