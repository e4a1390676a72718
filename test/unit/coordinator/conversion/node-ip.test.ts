import { nodeIpOf } from '@quorate/coordinator/conversion/joining/node-ip'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld, type World } from '../../../support/paper-cluster/world.js'

const joiner = nodeNames.cp2

async function nodeIp(change: (world: World, addresses: string[]) => void): Promise<string> {
  const world = soundWorld()
  change(world, world.facts[joiner]?.interfaces[1]?.addresses ?? [])
  const run = fakeRun(world)
  const [node] = run.joining
  return node === undefined ? 'nobody joins' : nodeIpOf(run, node)
}

const dualStack = (world: World) =>
  Object.assign(world.cluster.nodes[0] ?? {}, { internalIps: ['192.168.13.30', 'fd00:13::30'] })

t.test('what the kubelet of a joiner has to be told', async (t) => {
  t.equal(await nodeIp(() => {}), '', 'nothing where it takes the address by itself')
  t.equal(
    await nodeIp((world, addresses) => {
      dualStack(world)
      addresses.push('fe80::5/64', 'fd00:13::31/64')
    }),
    '192.168.13.31,fd00:13::31',
    'both families where the cluster has both; the link-local one is none',
  )
  t.equal(
    await nodeIp((_, addresses) => addresses.push('fd00:13::31/64')),
    '',
    'one family is the choice of that cluster',
  )
  t.equal(await nodeIp(dualStack), '', 'it has no other')
  t.equal(
    await nodeIp((world) => Object.assign(world.facts[joiner] ?? {}, { defaultInterface: 'eth9' })),
    '192.168.13.31',
    'the file, not the default route (kubeadm#1359)',
  )
})
