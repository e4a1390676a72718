import { Lab } from './lab.js'
import { Probes } from './probes.js'
import { capture, onTerminal } from './shell.js'

const lab = Lab.open(process.argv[2]!)
const probes = Probes.direct(lab)
const started = Date.now()
const conversion = onTerminal(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes'])).then((code) => ({
  code,
  ms: Date.now() - started,
}))
await probes.addEndpointWhenUp(lab)
console.log(await conversion)
console.log(await probes.stop())
