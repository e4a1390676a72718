import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { allFailures } from '@quorate/coordinator/failures/catalogue'
import { allExplanations } from '@quorate/coordinator/failures/explanations'
import { catalogue } from '@quorate/shared/errors'
import type { Command } from 'commander'
import t from 'tap'
import type { CliContext } from '../../coordinator/src/cli/context.js'
import { makeProgram } from '../../coordinator/src/cli/program.js'
import { sourceTexts } from '../support/source-texts.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** Words that Quorate does not use, and what it says instead. */
const unused: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\b(?:mend|mends|mended|mending)\b/i, 'fix, correct'],
  [/\banew\b/i, 'again'],
  [/\b(?:who|whom)ever\b/i, 'the operator, clients'],
  [/\bone another\b/i, 'each other'],
  [/\bby (?:its|their|the \w+'s) own word\b/i, 'reports'],
  [/\balready so\b|\bso already\b/i, 'no change needed'],
  [/\bways? back\b/i, 'rollback, point of no return'],
  [/\bis at its end\b|\bbringing it to its end\b/i, 'has finished'],
  [/\blets? in\b/i, 'accept, allow'],
  [/\b(?:is|are|was|were|been|be) told\b/i, 'reported, configured'],
  [/\bseen to\b/i, 'verified'],
  [/\bis for its operator\b/i, 'the operator does it'],
  [/\bstrangers?\b/i, 'unknown member'],
  [/\blaptop words\b/i, 'elsewhere'],
  [/\bnobody\b/i, 'no client, no node'],
  [/\bsomebody\b/i, 'another client, the operator'],
  [/\bshall\b/i, 'must'],
  [/\bwhether\b[^.;:]*\bor not\b/i, 'whether'],
  [/\bbelieves? to\b/i, 'reports'],
  [/\b(?:a )?defect of ours\b/i, 'This is a bug in Quorate'],
  [/\bis no (?:more|longer any)\b/i, 'no longer'],
  [/\bis there already\b/i, 'exists'],
  [/\ba person\b/i, 'the operator'],
  [/\ba address\b/i, 'an address'],
  [/\b1 (?:scenarios|lines|nodes|files|ports|steps|runs|findings)\b/, 'the singular'],
]

/** Texts with such a word that stays, and why. */
const exceptions: Readonly<Record<string, string>> = {}

interface Said {
  readonly text: string
  /** File or table that it is from. */
  readonly where: string
}

/** Words of a text that Quorate does not use. */
const wordsIn = (text: string): readonly string[] =>
  unused.flatMap(([pattern, instead]) => {
    const found = pattern.exec(text)?.[0]
    return found === undefined ? [] : [`"${found}" (instead: ${instead})`]
  })

const complaints = (said: readonly Said[]): readonly string[] =>
  said
    .filter(({ text }) => !(text in exceptions))
    .flatMap(({ text, where }) => wordsIn(text).map((words) => `${where}: ${words} in: ${text}`))

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, folder, name))
    .filter((path) => path.endsWith('.ts') && !path.includes('/gen/'))
    .sort()

const inSources = ['coordinator/src', 'agent/src', 'shared/src'].flatMap((folder) =>
  filesBelow(folder).flatMap((path): Said[] =>
    sourceTexts(readFileSync(path, 'utf8')).map(({ text, line }) => ({
      text,
      where: `${relative(root, path)}/${line}`,
    })),
  ),
)

const order: readonly ConversionStep[] = conversionOrder

/** `--help` of the program and of each of its commands. */
async function helpTexts(): Promise<readonly Said[]> {
  let printed = ''
  const context = {
    version: '0.0.0',
    defaultState: '/var/lib/quorate',
    terminal: {
      out: (text: string) => {
        printed += text
      },
    },
  } as unknown as CliContext
  const texts = (command: Command): readonly Said[] => {
    printed = ''
    command.outputHelp()
    return [{ text: printed, where: 'coordinator/src/cli' }, ...command.commands.flatMap(texts)]
  }
  return texts(await makeProgram(context, () => undefined))
}

t.test('the tables of the product use none of these words', async (t) => {
  const tables: readonly Said[] = [
    ...allFailures.flatMap(({ number, title, neither }) =>
      [title, neither ?? ''].map((text) => ({ text, where: number })),
    ),
    ...allExplanations.flatMap(({ id, cause, remedy }) => [cause, remedy].map((text) => ({ text, where: id }))),
    ...Object.entries(catalogue).map(([where, { remedy }]) => ({ text: remedy, where })),
    ...[...allChecks, ...allProofs].flatMap(({ id, title, beside = '' }) =>
      [title, beside].map((text) => ({ text, where: id })),
    ),
    ...order.flatMap(({ title, gate, undo }) =>
      [title, gate, undo].map((text) => ({ text, where: 'coordinator/src/conversion/steps' })),
    ),
  ]
  t.ok(tables.length > 500, `${tables.length} texts`)
  t.same(complaints(tables), [])
})

t.test('nor does the help of any command', async (t) => {
  const help = await helpTexts()
  t.ok(help.length > 10 && help.every(({ text }) => text.includes('Usage: quorate')), `${help.length} pages`)
  t.same(complaints(help), [])
})

t.test('nor does any sentence in the sources', async (t) => {
  t.ok(inSources.length > 2000, `${inSources.length} texts`)
  t.same(complaints(inSources), [])
})

t.test('an exception is a text that exists and has such a word', async (t) => {
  const texts = new Set(inSources.map(({ text }) => text))
  for (const [text, reason] of Object.entries(exceptions))
    t.ok(texts.has(text) && wordsIn(text).length > 0 && reason !== '', text)
})

t.test('a planted word is seen: in a string, in a template around its values, and not in a comment', async (t) => {
  const planted = [
    "const a = 'mend it by hand' // anew",
    'const b = `$' + '{a.map(({ x }) => `$' + '{x} anew`).join()} nobody $' + '{a / 2} answers` /* a stranger */',
    'const c = /whoever it was/.test(a)',
    "const d = 'anew'",
  ].join('\n')
  const said = sourceTexts(planted).map(({ text, line }) => ({ text, where: `planted.ts/${line}` }))
  t.same(said.map(({ text, where }) => [where, text]).sort(), [
    ['planted.ts/1', 'mend it by hand'],
    ['planted.ts/2', '… anew'],
    ['planted.ts/2', '… nobody … answers'],
  ])
  t.equal(complaints(said).length, 3)
  t.match(complaints([{ text: 'Write the file anew.', where: 'F01' }])[0], /^F01: "anew" \(instead: again\)/)
})
