import { tryScenarios } from './run.js'

await tryScenarios('simulated')
