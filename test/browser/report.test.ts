import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { reportHtml } from '@quorate/coordinator/report/html/page'
import t, { type Test } from 'tap'
import { browserForTest, openFile } from '../support/browser.js'
import { againstSchema } from '../support/published-schemas.js'
import { sampleReport, withTexts } from '../support/sample-report.js'
import { clusterForTest, ended, runOf } from '../support/simulated-cluster.js'
import { hostile } from '../support/strict-html.js'

/** Pages and pictures of them, for a person to look at. */
const folder = resolve('out/report')
mkdirSync(folder, { recursive: true })

const widths = { desk: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } }

/** Elements that reach over the right edge of the page, as a person would see them. */
const tooWide = `[...document.querySelectorAll('body *')]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter((one) => one.closest('pre') === null && one.closest('svg') === null)
  .map((one) => one.outerHTML.slice(0, 80))`

/** What every report must be in a browser, whatever it is of. */
async function looksRight(t: Test, name: string): Promise<void> {
  const browser = await browserForTest(t)
  for (const [width, viewport] of Object.entries(widths)) {
    const { page, requests, complaints } = await openFile(browser, `${folder}/${name}.html`, { viewport })
    t.same(requests, [], `${width}: nothing is fetched`)
    t.same(complaints, [], `${width}: nothing is complained of`)
    t.equal(await page.evaluate('document.scripts.length'), 0)
    for (const open of [false, true]) {
      await page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = ${open}`)
      t.equal(
        await page.evaluate('document.documentElement.scrollWidth'),
        viewport.width,
        `${width}: no sideways scroll`,
      )
      t.same(await page.evaluate(tooWide), [], `${width}: nothing is cut off`)
      if (!open) await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true })
    }
    const heading = await page.locator('h1').boundingBox()
    t.ok(heading !== null && heading.y + heading.height < viewport.height / 2, `${width}: the verdict is seen first`)
    await page.close()
  }
  const { page } = await openFile(browser, `${folder}/${name}.html`, {})
  const pdf = await page.pdf({ path: `${folder}/${name}.pdf`, format: 'A4' })
  t.match(pdf.subarray(0, 5).toString(), '%PDF-')
  await page.emulateMedia({ media: 'print' })
  t.equal(
    await page.evaluate(`getComputedStyle(document.body).backgroundColor`),
    'rgb(255, 255, 255)',
    'paper is white',
  )
  const hidden = `[...document.querySelectorAll('details > :not(summary, .on-screen)')].filter((one) => one.getBoundingClientRect().height === 0).length`
  t.equal(await page.evaluate(hidden), 0, 'paper cannot be opened: all is shown, or said in short')
}

/** Contrast of every text with what is behind it, by WCAG's formula; those below 4.5. */
const lowContrast = `(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const light = (colour) => parts(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0)
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at)
      if ((parts(backgroundColor)[3] ?? 1) === 1) return backgroundColor
    }
    return 'rgb(255, 255, 255)'
  }
  const texts = [...document.querySelectorAll('main *')].filter((one) => one.closest('svg') === null &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''))
  return texts.flatMap((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    return ratio < 4.5 ? [ratio.toFixed(1) + ' ' + one.outerHTML.slice(0, 80)] : []
  })
})()`

t.test('the report of a conversion', async (t) => {
  const cluster = await clusterForTest(t, { kubernetesVersion: 'v1.37.2', workers: 3 })
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  const run = runOf(cluster)
  const json = await cluster.quorate(['report', run, '-o', 'json'])
  t.same(againstSchema(JSON.parse(json.stdout)), [], 'a real report is what the schema says')
  ended(t, await cluster.quorate(['report', run, '--html', `${folder}/converted.html`]))
  await looksRight(t, 'converted')
  const page = readFileSync(`${folder}/converted.html`, 'utf8')
  t.match(page, /etcd voters<\/dt><dd>1 → 3/)
  t.match(page, /Of 10 connections, 4 to the node\u2019s own API server, 6 from other nodes directly to k8smaster1/)
  t.match(page, /Of 18 connections, 9 through the endpoint, 9 to the node\u2019s own API server/)
})

t.test('the report of a run in which everything happened', async (t) => {
  writeFileSync(`${folder}/everything.html`, reportHtml(sampleReport()))
  await looksRight(t, 'everything')
})

t.test('a report full of words that would like to be more', async (t) => {
  const words = hostile.join(' ').repeat(3)
  writeFileSync(`${folder}/hostile.html`, reportHtml(withTexts(sampleReport(), () => words)))
  const browser = await browserForTest(t)
  for (const viewport of Object.values(widths)) {
    const { page, requests, complaints } = await openFile(browser, `${folder}/hostile.html`, { viewport })
    t.same(requests, [])
    t.same(complaints, [])
    t.equal(await page.evaluate('document.querySelectorAll("script, img, iframe, [onmouseover]").length'), 0)
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), viewport.width)
  }
})

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(`every text can be read: ${colorScheme}`, async (t) => {
    writeFileSync(`${folder}/${colorScheme}.html`, reportHtml(sampleReport()))
    const browser = await browserForTest(t)
    const { page } = await openFile(browser, `${folder}/${colorScheme}.html`, { viewport: widths.desk, colorScheme })
    t.same(await page.evaluate(lowContrast), [])
  })
}
