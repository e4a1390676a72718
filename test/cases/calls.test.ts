import { tryCalls, tryList } from '../support/cases/try.js'

tryList()
await tryCalls()
