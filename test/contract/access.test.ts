import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import { auditable, observable, removing } from '@quorate/shared/operations'
import t from 'tap'
import { access, allowed } from '../../agent/src/server/access.js'
import { threatModelPage } from '../../docs-pages/threat-model-page.js'

const methods = Object.entries(NodeAgentServiceService)
const changes = methods.filter(([, method]) => 'header' in method.requestDeserialize(Buffer.alloc(0)))
const names = (some: typeof methods) => some.map(([name]) => name).sort()

t.test('every operation has a role; only what the table names is for observers', async (t) => {
  t.same(Object.keys(access).sort(), methods.map(([, { path }]) => path).sort())
  const forObservers = methods.filter(([, { path }]) => access[path] === 'observer')
  t.same(names(forObservers), [...observable].sort())
  const forAuditors = methods.filter(([, { path }]) => access[path] === 'auditor')
  t.same(names(forAuditors), [...auditable].sort())
})

t.test('only an operator changes; who approves or audits reads what an observer reads', async (t) => {
  t.same(allowed.operator, ['operator'])
  for (const role of ['approver', 'auditor'] as const) t.ok(allowed.observer.includes(role), role)
  t.notOk(allowed.auditor.includes('approver'))
  for (const some of Object.values(allowed)) t.notOk(some.includes('enroller'))
})

t.test(
  'what carries an operation header changes the node and needs the operator; so do eight that carry none',
  async (t) => {
    t.ok(changes.length > 20, 'the headers were found')
    const besides = [
      'holdPorts',
      'measureDisk',
      'measurePath',
      'raiseFence',
      'readBackup',
      'watchAvailability',
      'probeDiscovery',
      'checkJoin',
    ]
    for (const [name, { path }] of methods)
      if (besides.includes(name) || names(changes).includes(name)) t.equal(access[path], 'operator', name)
  },
)

t.test('docs/threat-model.md names every operation once, under its role and with what it does', async (t) => {
  const [, ...parts] = threatModelPage().split(
    /^## What an observer may call$|^## What an auditor may call$|^## What takes an operator$/m,
  )
  for (const [name, { path }] of methods) {
    const row = new RegExp(`^\\| \`${name}\` \\| [A-Z].+ \\|`, 'gim')
    const seen = parts.map((part) => part.match(row)?.length ?? 0)
    t.same(
      seen,
      ['observer', 'auditor', 'operator'].map((role) => (access[path] === role ? 1 : 0)),
      name,
    )
  }
})

t.test('what removes is a change', async (t) => {
  for (const name of removing) t.ok(names(changes).includes(name), name)
})

t.test('every change streams its progress', async (t) => {
  for (const [, method] of changes) t.equal(method.responseStream, true, method.path)
})
