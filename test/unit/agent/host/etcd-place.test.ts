import { readEtcdPlace } from '@quorate/agent/host/etcd-place'
import t from 'tap'
import { controlPlaneNode } from '../../../support/control-plane-node.js'
import { giveEtcd } from '../../../support/etcd-server.js'

const own = 'https://192.168.13.30:2379'
const local = 'https://127.0.0.1:2379'
const manifest = '/etc/kubernetes/manifests/etcd.yaml'

const cases = [
  { title: 'as kubeadm makes it', listens: `${local},${own}`, advertises: own, dialled: own },
  { title: 'that listens on localhost alone, whatever it advertises', listens: local, advertises: own, dialled: local },
  { title: 'that listens everywhere', listens: 'https://0.0.0.0:2379', advertises: own, dialled: own },
  { title: 'that listens everywhere, IPv6 too', listens: 'https://[::]:2379', advertises: own, dialled: own },
]

for (const { title, listens, advertises, dialled } of cases) {
  t.test(`an etcd ${title} is dialled at ${dialled}`, async (t) => {
    const node = await controlPlaneNode(t)
    await giveEtcd(t, node)
    const without = node.text(manifest).replace(/^\s*- --(?:listen|advertise)-client-urls=.*\n/gm, '')
    const flags = [`--listen-client-urls=${listens}`, `--advertise-client-urls=${advertises}`]
    node.write(
      manifest,
      without.replace(/^ *- etcd\n/m, (line) => line + flags.map((flag) => `    - ${flag}\n`).join('')),
    )
    const place = await readEtcdPlace(node.host)
    t.ok(place.stacked)
    t.same(place.endpoints, [dialled])
  })
}
