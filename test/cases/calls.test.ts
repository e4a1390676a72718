import { tryCalls, tryList } from './reported/try.js'

tryList()
await tryCalls()
