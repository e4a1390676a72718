import t from 'tap'
import { restartKubelet } from '../../../../agent/src/ops/restart-kubelet.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

t.test('restarts as a unit and says when the new one ran', async (t) => {
  const node = await OpsNode.make(t)
  node.unit('kubelet', 'active', 'enabled')
  const began = Date.now()
  const { facts } = await node.change(restartKubelet, {})
  t.strictSame(node.serviceCommands(), ['restart kubelet'])
  t.ok(Number(facts['restarted_at']) >= began && Number(facts['restarted_at']) <= Date.now())
  t.match(
    await node.tools.host.list('/run/units'),
    [{ name: 'kubelet' }, { name: 'quorate-op-1-kubelet.service.log' }],
    'unloaded',
  )
})

t.test('a restart that fails says why', async (t) => {
  const node = await OpsNode.make(t)
  t.equal((await rejected(node.change(restartKubelet, {}))).code, 'COMMAND_FAILED', 'no such service')
  node.unit('kubelet', 'active', 'enabled')
  node.write('/run/restart-fails', '')
  const error = await rejected(node.change(restartKubelet, {}))
  t.equal(error.code, 'COMMAND_FAILED')
  t.match(error.message, 'Job for kubelet.service failed.')
})
