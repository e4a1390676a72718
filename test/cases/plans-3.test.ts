import { tryPlans } from './reported/try.js'

await tryPlans(2, 3)
