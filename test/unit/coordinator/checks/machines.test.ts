import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import type { Finding } from '@quorate/coordinator/conversion/context/finding'
import { loadBalancerFor } from '@quorate/coordinator/conversion/load-balancers/all'
import { renderHaproxy } from '@quorate/shared/load-balancer-config'
import t from 'tap'
import { type Machine, machineFacts, machines } from '../../../support/machines.js'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld, type World } from '../../../support/paper-cluster/world.js'

const { cp1, cp2 } = nodeNames

/** A sound cluster all of whose nodes are such machines. */
function worldOf(machine: Machine): World {
  const world = soundWorld()
  for (const facts of Object.values(world.facts)) facts.machine = machineFacts(machine)
  return world
}

async function found(world: World, ...ids: string[]): Promise<readonly Finding[]> {
  const run = fakeRun(world)
  const each = await Promise.all(allChecks.filter(({ id }) => ids.includes(id)).map((check) => check.check(run)))
  return each.flat()
}

/** Findings of the load balancer's own kind, which fakeRun leaves out. */
async function ofKind(world: World): Promise<readonly Finding[]> {
  return loadBalancerFor(fakeRun(world)).check()
}

for (const machine of machines) {
  t.test(`${machine.name}: what is too old for it, and what SELinux does not let through`, async (t) => {
    const world = worldOf(machine)
    const old = await found(world, 'program-versions')
    t.same([...new Set(old.map(({ evidence }) => evidence.split(' ')[0]))].sort(), machine.tooOld ?? [])
    for (const one of old) t.match(one, { severity: 'error', remedy: /./ })
    const selinux = await found(world, 'selinux')
    // 8443 is one of the web's ports; 6443 of the API servers is not.
    t.equal(selinux.length, machine.selinux ? 3 : 0)
    for (const one of selinux)
      t.match(one.remedy, /^On that node: setsebool -P haproxy_connect_any 1;.* -t http_port_t -p tcp 6443$/)
  })

  t.test(`${machine.name}: remedies are typed as it has it`, async (t) => {
    const world = worldOf(machine)
    const node = world.facts[cp2] as World['facts'][string]
    Object.assign(node, { haproxyInstalled: false, keepalivedInstalled: false, kubeadmVersion: '' })
    const missing = (await ofKind(world)).find((one) => one.node === cp2)
    t.equal(missing?.remedy, `On that node: ${machine.installs}`)
    const versions = (await found(world, 'kubernetes-versions')).find((one) => one.node === cp2)
    t.equal(versions?.remedy, `On that node: ${machine.pins}`)
  })

  t.test(`${machine.name}: the plan shows what its haproxy reads`, async (t) => {
    const world = worldOf(machine)
    const [action] = await loadBalancerFor(fakeRun(world)).plan()
    const diff = action?.diffs.find(({ name }) => name.endsWith('/etc/quorate-haproxy/haproxy.cfg'))?.text ?? ''
    t.match(diff, machine.oldChecks ? '+  option httpchk GET /readyz' : '+  http-check connect ssl')
    t.equal(diff.includes('http-check connect'), machine.oldChecks !== true)
  })
}

t.test('what a node refuses is found with the words of its own program', async (t) => {
  const world = soundWorld()
  const run = fakeRun(world)
  const said =
    "[ALERT] parsing [haproxy.cfg:31]: 'http-check' only supports 'disable-on-404', 'expect' and 'send-state'."
  const refused = [{ path: '/etc/quorate-haproxy/haproxy.cfg', program: 'haproxy', said }]
  const agent = run.agent
  Object.assign(run, {
    agent: (node: Parameters<typeof agent>[0]) => {
      const real = agent(node)
      const name = typeof node === 'string' ? node : node.name
      return {
        ...real,
        read: async (method: string, ...rest: unknown[]) =>
          method === 'testLoadBalancer' && name === cp1
            ? { refused }
            : (real.read as (...all: unknown[]) => unknown)(method, ...rest),
      }
    },
  })
  t.match(await loadBalancerFor(run).check(), [
    { id: 'load-balancer', severity: 'error', node: cp1, evidence: said, message: /quorate-haproxy\/haproxy\.cfg/ },
  ])
})

t.test('SELinux: nothing where the booleans are on, it is permissive, or the ports need none', async (t) => {
  const rocky = machines.find(({ name }) => name === 'Rocky 8') as Machine
  const world = worldOf(rocky)
  const set = (change: object) => {
    for (const facts of Object.values(world.facts)) Object.assign(facts.machine?.selinux ?? {}, change)
  }
  set({ booleans: { haproxy_connect_any: true, keepalived_connect_any: false } })
  t.same(await found(world, 'selinux'), [])
  world.file.endpoint.port = 7443
  t.match(await found(world, 'selinux'), [{ remedy: /setsebool -P keepalived_connect_any 1/ }, {}, {}])
  set({ enforcing: false, booleans: {} })
  t.same(await found(world, 'selinux'), [])
  set({ enforcing: true })
  t.match((await found(world, 'selinux'))[0], { severity: 'warning', remedy: /ausearch/ })
})

t.test('a release that nobody knows is taken for a new one', async (t) => {
  const backends = [{ name: 'a', address: '192.0.2.1', port: 6443 }]
  t.equal(renderHaproxy({ port: 8443, backends, version: '' }), renderHaproxy({ port: 8443, backends, version: '3.4' }))
})
