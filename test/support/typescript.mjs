// Lets a test process load TypeScript. Where Node itself takes the types away it does so in a third of tsx's time, and keeps what it
// compiled in .cache for the next process; an older Node has tsx.
import { existsSync } from 'node:fs'
import module from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Sources import one another as `./name.js`, which is what they are once built. */
function resolve(specifier, context, next) {
  const isOurs = specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')
  if (!isOurs) return next(specifier, context)
  const source = `${specifier.slice(0, -'.js'.length)}.ts`
  return next(existsSync(fileURLToPath(new URL(source, context.parentURL))) ? source : specifier, context)
}

if (process.features.typescript && module.registerHooks) {
  module.enableCompileCache(fileURLToPath(new URL('../../.cache/node', import.meta.url)))
  module.registerHooks({ resolve })
} else await import('tsx')
