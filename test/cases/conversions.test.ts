import { tryConversions } from '../support/cases/try.js'

await tryConversions()
