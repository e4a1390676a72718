/**
 * `npm run bench -- hostile-texts [PARSER]`: every parser of foreign texts on every hostile text (test/support) of 256 KiB; prints the slowest of each in
 * milliseconds of the processor. What is far from linear shows at 16 KiB already, and is not tried with more.
 */
import { hostileTexts } from '../test/support/hostile-texts.js'
import { parsersOfForeignTexts } from '../test/support/parsers-of-foreign-texts.js'

const kib = 1024
/** A text of 256 KiB at most; milliseconds of the processor. */
const bar = 100

interface Slowest {
  readonly text: string
  readonly ms: number
  readonly size: number
}

async function took(parse: (text: string) => unknown, text: string): Promise<number> {
  const began = process.cpuUsage()
  try {
    await parse(text)
  } catch {
    // An answer too.
  }
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1000
}

/** The better of two: the first has the compiler's work in it. */
async function measure(parse: (text: string) => unknown, make: (bytes: number) => string): Promise<[number, number]> {
  for (const size of [16, 64]) {
    const ms = await took(parse, make(size * kib))
    if (ms > 4 * bar) return [ms, size]
  }
  const text = make(256 * kib)
  const first = await took(parse, text)
  return [first < bar / 2 ? first : Math.min(first, await took(parse, text)), 256]
}

/** It ends with 1 if a parser is above the bar. */
export async function hostile(only = ''): Promise<void> {
  console.log('| parser | slowest text | 256 KiB |\n|---|---|---|')
  for (const [name, parse] of Object.entries(parsersOfForeignTexts).filter(([each]) => each.includes(only))) {
    const all: Slowest[] = []
    for (const [text, make] of Object.entries(hostileTexts)) {
      const [ms, size] = await measure(parse, make)
      all.push({ text, ms, size })
    }
    // What was given up at less is the slower.
    const [slowest, ...others] = all.sort((a, b) => a.size - b.size || b.ms - a.ms)
    if (slowest === undefined) continue
    const size = slowest.size === 256 ? '' : ` for ${slowest.size} KiB`
    console.log(`| ${name} | ${slowest.text} | ${slowest.ms.toFixed(0)} ms${size} |`)
    const above = others
      .filter((one) => one.size < 256 || one.ms > bar)
      .map((one) => `${one.text} ${one.ms.toFixed(0)}/${one.size}`)
    if (above.length > 0) console.log(`  above the bar too: ${above.join(', ')}`)
    if (slowest.size < 256 || slowest.ms > bar) process.exitCode = 1
  }
}
