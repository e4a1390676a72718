import { existsSync } from 'node:fs'
import t from 'tap'
import { keepFiles } from '../../../../agent/src/ops/backup/store.js'
import { deleteBackups } from '../../../../agent/src/ops/delete-backups.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

const [one, two] = ['20260101t000000-aaaaaa', '20260102t000000-bbbbbb']
const backups = '/var/lib/quorate-agent/backups'

t.test(
  'only the named runs’ backups go, keys and snapshot with them, and a second time there is nothing to do',
  async (t) => {
    const node = await OpsNode.make(t)
    node.write('/etc/kubernetes/pki/ca.key', 'secret', 0o600)
    for (const run of [one, two]) {
      await keepFiles({ ...node.tools, runId: run }, ['/etc/kubernetes/pki/ca.key'])
      node.write(`${backups}/${run}/etcd-snapshot.db`, 'snapshot')
    }
    const unknown = '20260103t000000-cccccc'
    t.match(await node.change(deleteBackups, { runIds: [one, unknown] }), {
      unchanged: false,
      summary: 'removed the backups of 1 run',
      facts: { runs: one },
    })
    t.notOk(existsSync(node.path(`${backups}/${one}`)))
    t.ok(existsSync(node.path(`${backups}/${two}/files/etc/kubernetes/pki/ca.key.age`)))
    t.equal(node.read('/etc/kubernetes/pki/ca.key'), 'secret')
    t.match(await node.change(deleteBackups, { runIds: [one, unknown] }), { unchanged: true })
  },
)

t.test('neither the run itself nor another folder', async (t) => {
  const node = await OpsNode.make(t)
  t.match(await rejected(node.change(deleteBackups, { runIds: [runId] })), { code: 'INVALID_REQUEST' })
  node.write(`${backups}/../x/y`, '')
  t.match(await node.change(deleteBackups, { runIds: ['../x'] }), { unchanged: true })
  t.ok(existsSync(node.path('/var/lib/quorate-agent/x/y')))
})
