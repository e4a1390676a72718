import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))

const programs = {
  world: 'lab/simulated/world.ts',
  'quorate-agent': 'agent/src/main.ts',
  quorate: 'coordinator/src/main.ts',
} as const

/** Paths of the programs. */
export type Bundles = Readonly<Record<keyof typeof programs, string>>

/** Makes each program one file that plain Node starts at once: compiling TypeScript in nine processes would be slow. `clone`: of which sources. */
export async function bundlePrograms(folder: string, clone = root): Promise<Bundles> {
  await build({
    absWorkingDir: clone,
    entryPoints: Object.entries(programs).map(([out, path]) => ({ in: path, out })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['@quorate/source'],
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    define: {
      'process.env.QUORATE_AGENT_UNIT': JSON.stringify(
        readFileSync(join(clone, 'systemd/quorate-agent.service'), 'utf8'),
      ),
    },
    logLevel: 'error',
  })
  const at = (name: string): string => join(folder, `${name}.mjs`)
  return { world: at('world'), 'quorate-agent': at('quorate-agent'), quorate: at('quorate') }
}
