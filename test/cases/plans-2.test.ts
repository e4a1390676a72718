import { tryPlans } from './reported/try.js'

await tryPlans(1, 3)
