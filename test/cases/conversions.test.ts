import { tryConversions } from './reported/try.js'

await tryConversions()
