import { readFileSync } from 'node:fs'
import t from 'tap'
import { pages } from '../../docs-pages/pages.js'

for (const [name, text] of Object.entries(pages())) {
  t.test(`docs/${name} is what the code says (npm run docs)`, async (t) => {
    t.equal(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8'), text)
  })
}
