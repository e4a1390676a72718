import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from './bundle.js'
import { completionOf, manPageOf } from './documents.js'
import type { Content } from './package-contents.js'
import type { Program } from './programs.js'
import { maintainer, packageVersion } from './system-package.js'

export interface DocumentsOf {
  /** Where they are written. */
  readonly folder: string
  readonly time: Date
  /** Compresses them: other releases of Node compress to other bytes. */
  readonly node: string
  readonly licenses: string
}

/** The documents in the packages of a program, which are the same for each architecture, with what is not. */
export async function packageDocuments(
  program: Program,
  { folder, time, node, licenses }: DocumentsOf,
): Promise<{ with(own: Pick<Content, 'executable' | 'sbom' | 'agents'>): Content }> {
  const write = (name: string, bytes: string | Buffer): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const gzipped = (name: string, text: string): string => write(`${name}.gz`, compress(text, node))
  const day = time.toISOString().slice(0, 10)
  const shared = {
    manPage: gzipped('man', await manPageOf[program.name](day)),
    copyright: write('copyright', copyright),
    changelog: gzipped('changelog', changelogOf(program, time)),
    licenses: gzipped('licenses', readFileSync(licenses, 'utf8')),
    ...(program.name === 'quorate' ? { completions: await completions(write) } : {}),
  }
  return {
    with: ({ executable, sbom, agents }) => ({
      ...shared,
      executable,
      agents,
      sbom: gzipped('sbom', readFileSync(sbom, 'utf8')),
    }),
  }
}

async function completions(write: (name: string, text: string) => string) {
  return {
    bash: write('bash', await completionOf('bash')),
    zsh: write('zsh', await completionOf('zsh')),
    fish: write('fish', await completionOf('fish')),
  }
}

const script = `process.stdout.write(require('node:zlib').gzipSync(require('node:fs').readFileSync(0), { level: 9 }))`

const compress = (text: string, node: string): Buffer =>
  execFileSync(node, ['--eval', script], { input: text, maxBuffer: 2 ** 26 })

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Quorate
Comment: The executable holds Node.js and packages of npm, whose licences are in third-party-licenses.gz beside this file.

Files: *
Copyright: 2026 The Quorate authors
License: Apache-2.0
 On Debian systems, the text of the Apache License, Version 2.0, is in /usr/share/common-licenses/Apache-2.0.
 Elsewhere: https://www.apache.org/licenses/LICENSE-2.0
`

/** deb-changelog(5). The changes themselves are in CHANGELOG.md of the source. */
function changelogOf({ name }: Program, time: Date): string {
  const date = time.toUTCString().replace('GMT', '+0000')
  return `${name} (${packageVersion}) unstable; urgency=medium\n\n  * Quorate ${version}; CHANGELOG.md of the source says what changed.\n\n -- ${maintainer}  ${date}\n`
}
