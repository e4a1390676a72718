import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { hostileTexts } from '../support/hostile-texts.js'
import { damaged } from '../support/mutations.js'
import { parsersOfForeignTexts } from '../support/parsers-of-foreign-texts.js'
import { answerOf, type Round, Tally } from './found.js'

type Parser = (typeof parsersOfForeignTexts)[string]

interface ParserOptions {
  readonly seed: number
  /** Of each parser. */
  readonly cases: number
  readonly until?: () => boolean
  /** A part of the name. */
  readonly only?: string
}

const fixtures = join(import.meta.dirname, '../fixtures')

/** Texts of real nodes and of their cluster. */
const realTexts: readonly string[] = readdirSync(fixtures, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('older-journal'))
  .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))

/** Real texts with damage, whole or in part a hostile text, or any text. */
function textsFor(good: readonly string[]): fc.Arbitrary<string> {
  const real = fc.constantFrom(...(good.length > 0 ? good : realTexts))
  const hostile = fc
    .tuple(fc.constantFrom(...Object.values(hostileTexts)), fc.integer({ min: 1, max: 400 }))
    .map(([make, bytes]) => make(bytes))
  const spliced = fc.tuple(real, hostile, fc.double({ min: 0, max: 1, noNaN: true })).map(([text, insert, at]) => {
    const offset = Math.floor(at * text.length)
    return text.slice(0, offset) + insert + text.slice(offset)
  })
  return fc.oneof(
    { weight: 6, arbitrary: real.chain(damaged) },
    { weight: 2, arbitrary: spliced },
    { weight: 1, arbitrary: fc.constantFrom(...realTexts).chain(damaged) },
    { weight: 1, arbitrary: hostile },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  )
}

/** The real texts that a parser takes: damaged, they lead deeper into it than others. */
async function takenBy(parse: Parser): Promise<readonly string[]> {
  const taken: string[] = []
  for (const text of realTexts) {
    try {
      await parse(text)
      taken.push(text)
    } catch {
      // A text of another kind.
    }
  }
  return taken
}

/** Every parser of foreign texts on texts made from real ones: it returns, or throws an error of the table. */
export async function fuzzParsers({ seed, cases, until = () => false, only = '' }: ParserOptions): Promise<Round> {
  const tally = new Tally()
  for (const [subject, parse] of Object.entries(parsersOfForeignTexts)) {
    if (!subject.includes(only)) continue
    const texts = textsFor(await takenBy(parse))
    for (let index = 0; index < cases && !until(); index++) {
      const [text = ''] = fc.sample(texts, { seed: seed + index, numRuns: 1 })
      try {
        await parse(text)
        tally.count(subject, 'ok')
      } catch (error) {
        const answer = answerOf(error)
        tally.count(subject, 'code' in answer ? answer.code : 'bug')
        if ('bug' in answer) tally.find({ subject, seed: seed + index, why: `${answer.bug}\n${JSON.stringify(text)}` })
      }
    }
  }
  return tally.round
}
