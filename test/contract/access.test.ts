import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import { operations } from '@quorate/shared/operations'
import t from 'tap'
import { access } from '../../agent/src/server/access.js'

const methods = Object.entries(NodeAgentServiceService)
type Name = keyof typeof NodeAgentServiceService

t.test('every operation is in the table, and no row is for an operation that is not there', async (t) => {
  t.same(Object.keys(operations).sort(), methods.map(([name]) => name).sort())
  t.same(Object.keys(access).sort(), methods.map(([, { path }]) => path).sort())
})

t.test('what carries an operation header changes something, and nothing else does', async (t) => {
  const carries = ([, method]: (typeof methods)[number]) => 'header' in method.requestDeserialize(Buffer.alloc(0))
  const changes = methods.filter(([name]) => ['changes', 'removes'].includes(operations[name as Name]))
  t.ok(changes.length > 20, 'the changes were found')
  t.same(
    changes.map(([name]) => name).sort(),
    methods
      .filter(carries)
      .map(([name]) => name)
      .sort(),
  )
})

t.test('only looking is for observers', async (t) => {
  for (const [name, { path }] of methods)
    t.equal(access[path], operations[name as Name] === 'reads' ? 'observer' : 'operator', name)
})

t.test('every change streams its progress', async (t) => {
  for (const [, method] of methods) {
    if ('header' in method.requestDeserialize(Buffer.alloc(0))) t.equal(method.responseStream, true, method.path)
  }
})
