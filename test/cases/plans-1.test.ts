import { tryPlans } from './reported/try.js'

await tryPlans(0, 3)
