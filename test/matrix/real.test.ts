import { tryScenarios } from '../support/matrix/run.js'

await tryScenarios('real')
