import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import type { Program } from './programs.js'

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
export const version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version

/** Writes a program with all that it imports into one CommonJS file. Returns what esbuild read, by paths below the root. */
export async function bundle({ entry }: Program, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [join(root, entry)],
    outfile,
    // Names of files are part of the bundle: they begin at the root wherever that lies.
    absWorkingDir: root,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    conditions: ['@quorate/source'],
    alias: { '@grpc/proto-loader': join(root, 'packaging/no-proto-loader.cjs') },
    define: {
      'process.env.QUORATE_VERSION': JSON.stringify(version),
      'process.env.QUORATE_AGENT_UNIT': JSON.stringify(
        readFileSync(join(root, 'systemd/quorate-agent.service'), 'utf8'),
      ),
      'import.meta.url': '__importMetaUrl',
    },
    banner: { js: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
  return metafile
}
