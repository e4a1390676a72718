import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import t from 'tap'
import { access } from '../../agent/src/server/access.js'

const methods = Object.values(NodeAgentServiceService)

t.test('every operation has a role, and no role is for an operation that is not there', async (t) => {
  t.same(Object.keys(access).sort(), methods.map(({ path }) => path).sort())
})

t.test(
  'what carries an operation header changes the node and needs the operator; the rest is for observers',
  async (t) => {
    const changes = methods.filter((method) => 'header' in method.requestDeserialize(Buffer.alloc(0)))
    // A read by its shape, but it hands out what holds the cluster's CA keys, encrypted to a key that the caller names.
    // The others shut coordinators out, renew a Lease, and write to etcd's disk.
    const { readBackup, raiseFence, watchAvailability, measureDisk, measurePath } = NodeAgentServiceService
    const exceptions = [readBackup, raiseFence, watchAvailability, measureDisk, measurePath]
    t.ok(changes.length > 20, 'the headers were found')
    const expected = methods.map((method) => {
      const operator = changes.includes(method) || (exceptions as readonly unknown[]).includes(method)
      return [method.path, operator ? 'operator' : 'observer']
    })
    t.same(Object.entries(access).sort(), expected.sort())
  },
)

t.test('every change streams its progress', async (t) => {
  for (const method of methods) {
    if ('header' in method.requestDeserialize(Buffer.alloc(0))) t.equal(method.responseStream, true, method.path)
  }
})
