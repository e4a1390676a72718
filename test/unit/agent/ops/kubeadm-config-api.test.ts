import { readFileSync } from 'node:fs'
import t from 'tap'
import { kubeadmConfigApi } from '../../../../agent/src/ops/facts/kubeadm-config-api.js'
import { OpsNode } from '../../../support/ops-node.js'

const { signal } = new AbortController()

/** kubeadm that takes documents of these versions, and writes down what it was asked. */
const taking = (versions: string): string =>
  `[ "$1 $2 $3" = 'config validate --config' ] || exit 9
file="$QUORATE_HOST_ROOT$4"; cat "$file" >> "$QUORATE_HOST_ROOT/run/asked"
for version in ${versions}; do grep -q "^apiVersion: kubeadm.k8s.io/$version$" "$file" && { echo ok; exit 0; }; done; exit 1`

t.test('of a release that is known nobody is asked', async (t) => {
  const node = await OpsNode.make(t)
  node.program('kubeadm', 'exit 9')
  for (const [release, api] of [
    ['', ''],
    ['v1.27.16', 'v1beta3'],
    ['v1.30.4', 'v1beta3'],
    ['v1.31.0', 'v1beta4'],
    ['v1.37.2', 'v1beta4'],
  ] as const)
    t.equal(await kubeadmConfigApi(node.tools.host, release, signal), api, release)
})

t.test('a newer kubeadm is asked, once, with a whole document', async (t) => {
  for (const [takes, api] of [
    ['v1beta4 v1', 'v1beta4'],
    ['v1 v2', 'v1'],
    ['v1beta3', 'v1beta3'],
    ['v2', ''],
  ] as const) {
    const node = await OpsNode.make(t)
    node.program('kubeadm', taking(takes))
    t.equal(await kubeadmConfigApi(node.tools.host, 'v1.38.0', signal), api, takes)
    const asked = readFileSync(node.path('/run/asked'), 'utf8')
    t.match(asked, /kind: JoinConfiguration[\s\S]*certificateKey: /)
    const [first, second] = await Promise.all([1, 2].map(() => kubeadmConfigApi(node.tools.host, 'v1.38.0', signal)))
    t.same([first, second], [api, api])
    t.equal(readFileSync(node.path('/run/asked'), 'utf8'), asked, 'not asked again')
    t.same(await node.tools.host.list('/run/quorate-agent'), [])
  }
})

t.test('one that could not be asked is asked again', async (t) => {
  const node = await OpsNode.make(t)
  node.program('kubeadm', taking('v1beta4'))
  await t.rejects(kubeadmConfigApi(node.tools.host, 'v1.38.0', AbortSignal.abort(new Error('no time'))))
  t.equal(await kubeadmConfigApi(node.tools.host, 'v1.38.0', signal), 'v1beta4')
})
