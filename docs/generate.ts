import { writeFileSync } from 'node:fs'
import { pages } from './pages.js'

for (const [name, text] of Object.entries(pages())) writeFileSync(new URL(name, import.meta.url), text)
