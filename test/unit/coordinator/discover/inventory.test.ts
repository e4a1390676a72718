import t from 'tap'
import { hostsOf } from '../../../../coordinator/src/discover/host-range.js'
import { machinesOf, readInventory } from '../../../../coordinator/src/discover/inventory.js'

const machines = (text: string, path: string, asked: Parameters<typeof machinesOf>[1]['asked'] = []) =>
  machinesOf(readInventory(text, path), { path, asked })

const ini = `# comment
[all:vars]
ansible_user=root
[kube_control_plane]
cp1.example.com ansible_host=10.0.0.1 ip=192.168.13.30
CP[2:3].example.com ansible_host="10.0.0.9"   # same for both
[kube_node]
cp1.example.com
192.168.13.40
w1:2222 ansible_host="{{ vault }}"
[k8s_cluster:children]
kube_control_plane
kube_node
`

t.test('INI: groups, ranges, ports, and which address is the one in the cluster', async (t) => {
  const { controlPlanes, workers } = machines(ini, 'hosts')
  t.match(controlPlanes, [
    {
      name: 'cp1.example.com',
      address: '192.168.13.30',
      agent: '10.0.0.1',
      from: /host cp1\S+ of group kube_control_plane/,
    },
    { name: 'cp2.example.com', address: '10.0.0.9', agent: undefined },
    { name: 'cp3.example.com' },
  ])
  t.equal(workers.length, 2, 'a control plane that is also in kube_node is a control plane')
  t.match(workers, [
    { name: undefined, address: '192.168.13.40' },
    { name: 'w1', address: undefined, agent: undefined },
  ])
})

t.test('YAML: groups below children, hosts without variables, the group that --group names', async (t) => {
  const text = `all:
  children:
    cluster:
      children:
        k8s_masters:
          hosts:
            cp[01:03]: {ansible_host: 192.168.13.30}
        workers: {hosts: {w1: }}
`
  const { controlPlanes, workers } = machines(text, 'hosts', [{ role: 'control-plane', group: 'k8s_masters' }])
  t.same(
    controlPlanes.map(({ name }) => name),
    ['cp01', 'cp02', 'cp03'],
  )
  t.match(workers, [{ name: 'w1', address: undefined }])
  const everything = machines(text, 'hosts', [{ role: 'worker', group: 'all' }])
  t.equal(everything.workers.length, 4, 'a group has the hosts of its children')
})

t.test('what cannot be used is one sentence with its place', async (t) => {
  const cases: readonly (readonly [text: string, path: string, message: RegExp])[] = [
    ['[web]\na\n', 'h.ini', /none of the groups kube_control_plane, masters, kube_node, workers; its groups are: web/],
    ['[web]\na b\n', 'h.ini', /line 2: behind a host stand variables/],
    ['[web\n', 'h.ini', /line 1: a section is/],
    ['[web]\na[1:99999]\n', 'h.ini', /line 2: a range/],
    ['web: [a]\n', 'h.yml', /line 1: here belongs a map/],
    ['web: {a: b\n', 'h.yml', /the inventory, line 2/],
    ['$ANSIBLE_VAULT;1.1;AES256\n3031\n', 'h', /encrypted/],
    ['#!/bin/sh\n', 'h', /is a program/],
  ]
  for (const [text, path, message] of cases)
    t.throws(() => machines(text, path), { code: 'USAGE', message }, JSON.stringify(text))
  t.throws(() => machines(ini, 'h', [{ role: 'worker', group: 'nope' }]), {
    message: /no group nope/,
  })
})

t.test('what others write in an inventory is neither a line of its own nor an escape in a comment', async (t) => {
  const { workers } = machines('workers: {hosts: {"a\\n\\e[31mb": {ip: 10.0.0.1}}}\n', 'h\u001b.yml')
  t.match(workers, [{ name: undefined, address: '10.0.0.1' }])
  t.notMatch(workers[0]?.from, /[^\x20-\x7e]/)
})

t.test('ranges', async (t) => {
  t.same(hostsOf('a[08:10].b'), ['a08.b', 'a09.b', 'a10.b'])
  t.same(hostsOf('[a:c][1:3:2]'), ['a1', 'a3', 'b1', 'b3', 'c1', 'c3'])
  for (const wrong of ['a[3:1]', 'a[a:3]', 'a[]', '[1:5000][1:2]', 'a'.repeat(400)])
    t.equal(hostsOf(wrong), undefined, wrong)
})
