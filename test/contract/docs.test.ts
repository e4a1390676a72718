import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { pages } from '../../docs-pages/pages.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

for (const [name, text] of Object.entries(pages())) {
  t.test(`docs/${name} is what the code says (npm run docs)`, async (t) => {
    t.equal(readFileSync(join(root, 'docs', name), 'utf8'), text)
  })
}

/** Every page in Markdown of a folder of the repository. */
const pagesOf = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, folder, name))

/** A page without its examples: what stands in code is no link and no heading. */
const prose = (page: string): string =>
  readFileSync(page, 'utf8')
    .replace(/^( *)```[\s\S]*?^\1```/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''))

/** Targets of a page's links and pictures, those to other hosts left out. */
const targetsOf = (page: string): string[] =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))

/** Anchors of a page: its own `id`s, and those that GitHub makes of headings; a heading that is there twice gets a number. */
function anchorsOf(page: string): Set<string> {
  const text = prose(page)
  const anchors = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id))
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = words.replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let times = 1; anchors.has(anchor); times += 1) anchor = `${slug}-${times}`
    anchors.add(anchor)
  }
  return anchors
}

/** Why a link of a page leads nowhere; undefined where it leads somewhere. */
function fault(page: string, target: string): string | undefined {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? page : join(dirname(page), file)
  if (!existsSync(path)) return `${target}: there is no such file`
  if (anchor === undefined || !path.endsWith('.md') || anchorsOf(path).has(anchor)) return undefined
  return `${target}: there is no such anchor`
}

for (const page of [...pagesOf('.'), ...pagesOf('docs'), ...pagesOf('docs/decisions')]) {
  t.test(`each relative link of ${relative(root, page)} leads to a file and an anchor`, async (t) => {
    t.same(
      targetsOf(page).flatMap((target) => fault(page, target) ?? []),
      [],
    )
  })
}

t.test('docs/README.md leads to every page of docs/', async (t) => {
  const map = join(root, 'docs', 'README.md')
  const reached = new Set(targetsOf(map).map((target) => join(dirname(map), target.split('#')[0] ?? '')))
  const wanted = [...pagesOf('docs').filter((page) => page !== map), ...pagesOf('docs/decisions')]
  t.same(
    wanted.filter((page) => !reached.has(page)).map((page) => relative(root, page)),
    [],
  )
})

/** Terms that Quorate gives a meaning of its own: help texts, reports and pages use them without explaining them. */
const terms = [
  'action',
  'agent',
  'coordinator',
  'drill',
  'endpoint',
  'fence',
  'finding',
  'first control plane',
  'fleet',
  'gate',
  'joiner',
  'journal',
  'ledger',
  'point of no return',
  'proof',
  'run',
  'state folder',
  'step',
  'virtual IP',
]

t.test('docs/glossary.md explains each term of Quorate, in the order of the alphabet', async (t) => {
  const explained = [...prose(join(root, 'docs', 'glossary.md')).matchAll(/^## (.+)$/gm)].map(([, term = '']) => term)
  t.same(
    terms.filter((term) => !explained.includes(term)),
    [],
  )
  t.same(
    explained,
    explained.toSorted((a, b) => a.localeCompare(b, 'en')),
  )
})
