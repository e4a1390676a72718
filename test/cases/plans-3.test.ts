import { tryPlans } from '../support/cases/try.js'

await tryPlans(2, 3)
