import { readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** TypeScript files below a folder, as paths with that folder in front. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesBelow(path) : path.endsWith('.ts') ? [path] : []
  })
}

/** The project's file that an import of `from` means, both as paths from `root`; undefined for a package. */
export function targetOf(root: string, from: string, specifier: string): string | undefined {
  const own = /^@quorate\/(\w+)\/(.+)$/.exec(specifier)
  if (own) return `${own[1]}/src/${own[2]}.ts`
  return specifier.startsWith('.')
    ? relative(root, resolve(dirname(join(root, from)), specifier)).replace(/\.js$/, '.ts')
    : undefined
}

/** The project's files that a source imports, types included. */
export const importsOf = (root: string, from: string, text: string): readonly string[] =>
  [...text.matchAll(/\b(?:from|import\()\s*'([^']+)'/g)].flatMap(([, named = '']) => targetOf(root, from, named) ?? [])
