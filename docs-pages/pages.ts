import { casesPage } from './cases-page.js'
import { compatibilityPage } from './compatibility-page.js'
import { errorsPage } from './errors-page.js'
import { failuresPage } from './failures-page.js'
import { findingsPage } from './findings-page.js'
import { machinesPage } from './machines-page.js'
import { orderPage } from './order-page.js'
import { proofsPage } from './proofs-page.js'
import { schemaPages } from './schema-pages.js'
import { threatModelPage } from './threat-model-page.js'
import { versionsPage } from './versions-page.js'

/** Pages that are generated from the code; test/contract holds the files to it. */
export const pages = (): Readonly<Record<string, string>> => ({
  'cases.md': casesPage(),
  'compatibility.md': compatibilityPage(),
  'errors.md': errorsPage(),
  'failures.md': failuresPage(),
  'findings.md': findingsPage(),
  'machines.md': machinesPage(),
  'order.md': orderPage(),
  'proofs.md': proofsPage(),
  ...schemaPages(),
  'threat-model.md': threatModelPage(),
  'versions.md': versionsPage(),
})
