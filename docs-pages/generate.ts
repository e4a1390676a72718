import { writeFileSync } from 'node:fs'
import { pages } from './pages.js'

/** `npm run docs`: writes each generated page into docs/. */
for (const [name, text] of Object.entries(pages())) writeFileSync(new URL(`../docs/${name}`, import.meta.url), text)
