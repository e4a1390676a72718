import { tryPlans } from '../support/cases/try.js'

await tryPlans(1, 3)
