import t from 'tap'
import { drawing } from '../../../../../coordinator/src/report/html/drawing.js'
import type { ReportedPicture, ReportedSite } from '../../../../../coordinator/src/report/schema.js'

const controlPlanes = ['cp1', 'cp2', 'cp3']
const named = (count: number) => Array.from({ length: count }, (_, index) => `w${index + 1}`)
const site = (workers: readonly string[]): ReportedSite => ({
  endpoint: 'api.example.com:8443',
  loadBalancer: 'haproxy',
  nodes: [
    ...controlPlanes.map((name) => ({ name, address: '10.0.0.1', role: 'control-plane' as const })),
    ...workers.map((name) => ({ name, address: '10.0.1.1', role: 'worker' as const })),
  ],
})
const seen = (to: (worker: string) => string, backends: readonly string[]): ReportedPicture => ({
  connections: [
    { node: 'cp1', component: 'kubelet', to: 'cp1' },
    ...named(40).map((node) => ({ node, component: 'kubelet', to: to(node) })),
  ],
  members: [],
  certificates: [],
  backends,
  silent: [],
})
const drawn = (workers: number, ...args: Parameters<typeof seen>) =>
  drawing('After', site(named(workers)), seen(...args)).markup
const count = (markup: string, part: RegExp) => [...markup.matchAll(part)].length

t.test('workers that are connected alike are one box with one line', async (t) => {
  const all = drawn(40, () => 'cp1', [])
  t.match(all, />40 workers</)
  t.equal(count(all, /<path class="client"/g), 1)
  t.notMatch(all, /class="endpoint"|stale|balanced/)
  t.match(
    drawn(3, () => 'cp1', []),
    />w1, w2, w3</,
    'few are named',
  )
})

t.test(
  'who goes past an endpoint that others use stands out, and the endpoint leads where it is configured to',
  async (t) => {
    const mixed = drawn(40, (worker) => (worker === 'w7' ? 'cp1' : 'endpoint'), ['cp1', 'cp2'])
    t.match(mixed, />39 workers<[\s\S]*>w7</)
    t.equal(count(mixed, /<path class="client stale"/g), 1)
    t.equal(count(mixed, /<path class="client"/g), 1)
    t.equal(count(mixed, /<path class="balanced"/g), 2)
  },
)

t.test('a machine that is in no cluster yet says so', async (t) => {
  t.equal(
    count(
      drawn(1, () => 'cp1', []),
      />not in the cluster</g,
    ),
    2,
  )
})
