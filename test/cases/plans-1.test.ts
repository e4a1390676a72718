import { tryPlans } from '../support/cases/try.js'

await tryPlans(0, 3)
