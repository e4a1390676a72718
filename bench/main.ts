/** `npm run bench [-- NAME]`: runs one benchmark; without a name that of the conversion, the first in docs/benchmarks.md. */
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  conversion: () => import('./conversion.js'),
  availability: () => import('./availability.js'),
  gates: async () => (await import('./gates.js')).gates(process.argv[3]),
  start: async () => (await import('./start.js')).start(),
  deploy: async () =>
    (await import('./deploy.js')).deploy(process.argv[3] === undefined ? 13 : Number(process.argv[3])),
  looks: async () => (await import('./looks.js')).looks(process.argv[3] === undefined ? 60 : Number(process.argv[3])),
  'hostile-texts': async () => (await import('./hostile-texts.js')).hostile(process.argv[3]),
  verify: () => import('./verify.js'),
  preflight: async () => (await import('./preflight.js')).preflight(process.argv[3]?.split(',').map(Number)),
}

const [name = ''] = process.argv.slice(2)
await (benches[name] ?? benches['conversion'])?.()
