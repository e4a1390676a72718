import { parseArgs } from 'node:util'
import type { Round } from './found.js'
import { fuzzParsers } from './parsers.js'
import { fuzzRpcs } from './rpcs.js'

/**
 * `npm run fuzz -- [--minutes N | --cases N] [--seed S] [--only NAME]`: every parser of foreign texts and every operation of the agent with generated
 * input. Ends with 1 if anything was found; each finding has the seed that repeats it (`--cases 1 --only NAME --seed S`).
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    cases: { type: 'string', default: '20' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const first = Number(values.seed ?? Date.now() % 2 ** 31)
const ends = values.minutes === undefined ? undefined : Date.now() + Number(values.minutes) * 60_000
const most = Number(values.cases)
/** Counts, and the answers over all subjects, the most frequent first. */
function show(name: string, { cases, answers, found }: Round): void {
  console.log(`${name}: ${cases} cases of ${answers.size}, ${found.length} found`)
  if (cases === 0) return
  const all = new Map<string, number>()
  for (const of of answers.values()) for (const [answer, count] of of) all.set(answer, (all.get(answer) ?? 0) + count)
  const sorted = [...all].sort(([, a], [, b]) => b - a)
  console.log(`  answers: ${sorted.map(([answer, count]) => `${answer} ${count}`).join(', ')}`)
}

async function round(seed: number): Promise<number> {
  const until = () => ends !== undefined && Date.now() > ends
  const parsers = await fuzzParsers({ seed, cases: most, until, only: values.only })
  show('parsers', parsers)
  const rpcs = await fuzzRpcs({ seed, cases: most, until, only: values.only })
  show('operations', rpcs)
  return parsers.found.length + rpcs.found.length
}

console.log(`seed ${first}`)
let found = await round(first)
for (let seed = first + most; ends !== undefined && Date.now() < ends; seed += most) found += await round(seed)
// What waits for a node that is gone would wait for minutes.
process.exit(found > 0 ? 1 : 0)
