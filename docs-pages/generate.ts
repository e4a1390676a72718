import { mkdirSync, writeFileSync } from 'node:fs'
import { pages } from './pages.js'

mkdirSync(new URL('../docs/schemas/', import.meta.url), { recursive: true })

/** `npm run docs`: writes each generated page into docs/. */
for (const [name, text] of Object.entries(pages())) writeFileSync(new URL(`../docs/${name}`, import.meta.url), text)
