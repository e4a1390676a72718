/** `npm run bench [-- NAME]`: one benchmark; without a name the conversion's, which docs/benchmarks.md begins with. */
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  conversion: () => import('./conversion.js'),
  availability: () => import('./availability.js'),
}

const [name = ''] = process.argv.slice(2)
await (benches[name] ?? benches['conversion'])?.()
