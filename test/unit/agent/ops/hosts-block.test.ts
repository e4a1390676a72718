import t from 'tap'
import { removeHostsBlock } from '../../../../agent/src/ops/remove-hosts-block.js'
import { writeHostsBlock } from '../../../../agent/src/ops/write-hosts-block.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const request = { name: 'apiserver.example.com', address: '192.168.13.100' }

t.test('in and out again, byte for byte', async (t) => {
  const node = await OpsNode.make(t)
  const before = Buffer.concat([
    Buffer.from('127.0.0.1 localhost\n# caf'),
    Buffer.from([0xe9]),
    Buffer.from(' no line end'),
  ])
  node.write('/etc/hosts', before, 0o664)
  const hash = node.sha256('/etc/hosts')
  const written = await node.change(writeHostsBlock, request)
  t.match(node.read('/etc/hosts'), /192\.168\.13\.100\s+apiserver\.example\.com/)
  t.equal((await node.change(writeHostsBlock, request)).unchanged, true)
  const removed = await node.change(removeHostsBlock, {})
  t.equal(node.sha256('/etc/hosts'), hash)
  t.equal(removed.touched[0]?.sha256Before, written.touched[0]?.sha256After)
  t.equal(node.mode('/etc/hosts'), 0o664)
  t.equal((await node.change(removeHostsBlock, {})).unchanged, true)
})

t.test('the block of an earlier run is put back', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/etc/hosts', '# BEGIN quorate\n192.168.13.99 apiserver.example.com\n# END quorate\n127.0.0.1 localhost\n')
  const hash = node.sha256('/etc/hosts')
  await node.change(writeHostsBlock, request)
  t.match(node.read('/etc/hosts'), '192.168.13.100')
  await node.change(removeHostsBlock, {})
  t.equal(node.sha256('/etc/hosts'), hash)
})

t.test('what is no name or address is refused', async (t) => {
  const node = await OpsNode.make(t)
  for (const bad of [
    { ...request, name: 'a b' },
    { ...request, address: 'x' },
    { ...request, name: 'a\n0.0.0.0 b' },
  ]) {
    t.equal((await rejected(node.change(writeHostsBlock, bad))).code, 'INVALID_REQUEST')
  }
  t.equal(node.sha256('/etc/hosts'), undefined)
})
