import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { reportHtml } from '@quorate/coordinator/report/html/page'
import type { RunReport } from '@quorate/coordinator/report/schema'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { browserForTest, openFile } from '../support/browser.js'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { againstSchema } from '../support/published-schemas.js'
import { sampleReport, withTexts } from '../support/sample-report.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'
import { hostile } from '../support/strict-html.js'

const folder = resolve('out/report')
mkdirSync(folder, { recursive: true })

/** Between the margins of A4, in pixels of CSS; a page whose content is wider is printed smaller. */
const paper = { width: 718, height: 1000 }
/** The lower margin of a page, and room for two lines above it; points. */
const foot = { margin: 28, lines: 22 }

interface Printed {
  readonly pages: number
  /** Headings with the number of their page's object, and points from the lower edge of it. */
  readonly headings: readonly { readonly title: string; readonly page: string; readonly y: number }[]
}

/** Prints a page, and reads in the PDF's outline where its headings came to lie. */
async function printed(page: Page, name: string): Promise<Printed> {
  const path = `${folder}/${name}.pdf`
  const pdf = (await page.pdf({ path, format: 'A4', tagged: true, outline: true })).toString('latin1')
  const items = pdf.matchAll(/\/Title \((.*?)\)\s*\/Dest \[(\d+) 0 R \/XYZ [\d.]+ ([\d.]+)/g)
  return {
    pages: pdf.match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0,
    headings: [...items].map(([, title = '', on = '', y]) => ({ title, page: on, y: Number(y) })),
  }
}

/** Points that the higher one of the two drawings takes on paper. */
async function drawingHeight(page: Page): Promise<number> {
  const heights = `[...document.querySelectorAll('.drawing')].map((one) => one.getBoundingClientRect().height * 0.75)`
  return Math.max(...((await page.evaluate(heights)) as number[]))
}

/** Smallest text of the page, in pixels; drawings are scaled as a whole. */
const smallest = `Math.min(...[...document.querySelectorAll('main *')]
  .filter((one) => one.closest('svg') === null && one.checkVisibility())
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''))
  .map((one) => parseFloat(getComputedStyle(one).fontSize)))`

/** A page as it is laid out for paper. */
async function openForPaper(t: Test, name: string): Promise<Page> {
  const { page } = await openFile(await browserForTest(t), `${folder}/${name}.html`, { viewport: paper })
  await page.emulateMedia({ media: 'print' })
  return page
}

/** What a reader of paper must find, in the words of the report. */
function essentials({ verdict, findings, touched, attempts, run, undo, backups }: RunReport): readonly string[] {
  return [
    verdict,
    run,
    ...findings.flatMap(({ message, remedy }) => [message, remedy]),
    ...touched.flatMap(({ name, sha256After }) => [name, sha256After.slice(0, 12)]),
    ...attempts.map(({ outcome }) => outcome),
    ...undo.map(({ how }) => how),
    ...backups.filter(({ saw }) => !/^sha256 [0-9a-f]{64}$/.test(saw)).map(({ what }) => what),
    `quorate rollback ${run}`,
    'error execution phase etcd-join',
  ]
}

/** A conversion that was interrupted once and failed twice, as HTML in the folder and as a document. */
async function hardWonReport(t: Test): Promise<RunReport> {
  const cluster = await clusterForTest(t, { kubernetesVersion: 'v1.37.2', workers: 2 })
  const convert = new CoordinatorProcess(cluster, ['convert', '-f', cluster.clusterFile, '--yes'])
  await convert.said(/regenerate-apiserver-certificate: k8smaster1[^\n]*issue/)
  convert.kill('SIGINT')
  ended(t, await convert.ended, 130)
  const run = runOf(cluster)
  await cluster.setFaults('cp3', { failJoinPhase: 'etcd-join' })
  ended(t, await cluster.quorate(['resume', run]), 4)
  ended(t, await cluster.quorate(['resume', run]), 4)
  await cluster.setFaults('cp3', { failJoinPhase: '' })
  ended(t, await cluster.quorate(['resume', run]))
  t.match(
    (await cluster.quorate(['status', run])).stdout,
    /Attempts: 4 \(1 interrupted, 2 failed\), .* of work, paused for /,
  )
  ended(t, await cluster.quorate(['report', run, '--html', `${folder}/paper.html`]))
  const { stdout } = await cluster.quorate(['report', run, '-o', 'json'])
  writeFileSync(`${folder}/paper.json`, stdout)
  return JSON.parse(stdout) as RunReport
}

t.test('on paper: a conversion that was interrupted once and failed twice', async (t) => {
  const report = await hardWonReport(t)
  t.same(againstSchema(report), [])
  t.match(report.verdict, /every gate held\. Before that, 1 attempt was interrupted and 2 failed\.$/)
  const page = await openForPaper(t, 'paper')
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), paper.width, 'nothing is wider than the paper')
  t.ok(((await page.evaluate(smallest)) as number) >= 8, 'no text is smaller than 6 pt')
  const flat = (text: string) => text.replaceAll(/\s+/g, ' ')
  const words = flat((await page.evaluate('document.body.innerText')) as string)
  for (const text of essentials(report)) t.ok(words.includes(flat(text)), text)

  const { pages, headings } = await printed(page, 'paper')
  t.ok(pages > 3 && pages <= 12, `${pages} pages`)
  t.ok(headings.length > 20, 'the headings were found')
  t.same(
    headings.filter(({ y }) => y < foot.margin + foot.lines),
    [],
    'no heading stands alone at the foot of a page',
  )
})

t.test('wherever the drawings come to lie, they stay under their headings and over what follows', async (t) => {
  writeFileSync(`${folder}/drawings.html`, reportHtml(sampleReport()))
  const page = await openForPaper(t, 'drawings')
  const height = await drawingHeight(page)
  t.ok(height > 100)
  for (const space of [0, 150, 300, 450, 600, 750]) {
    await page.evaluate(`document.querySelector('main').style.paddingTop = '${space}px'`)
    const { headings } = await printed(page, 'drawings')
    const at = (title: string) => headings.find((one) => one.title === title)
    const [section, before, after] = [at('Connections'), at('Before'), at('After')]
    t.equal(before?.page, section?.page, `${space}: with the heading of its section`)
    t.equal(after?.page, section?.page, `${space}: both side by side`)
    t.ok((before?.y ?? 0) - height > foot.margin, `${space}: the page has room for the drawing`)
  }
})

t.test('words that do not end make nothing wider than the paper', async (t) => {
  writeFileSync(`${folder}/hostile-paper.html`, reportHtml(withTexts(sampleReport(), () => hostile.join('').repeat(3))))
  const page = await openForPaper(t, 'hostile-paper')
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), paper.width)
})
