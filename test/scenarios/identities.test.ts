import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { clusterForTest, ended, hashFiles } from '../support/simulated-cluster.js'

t.test(
  'users act with their own identities: each does what the role allows, and the audit names who did it',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 })
    const { clusterFile, stateFolder } = cluster
    const at = (name: string): string => join(cluster.operatorFolder, name)
    const people = { olga: 'operator', otto: 'observer', alice: 'approver', erik: 'enroller', anna: 'auditor' } as const
    for (const [name, role] of Object.entries(people))
      ended(t, await cluster.quorate(['identity', 'issue', name, '--role', role, '--to', at(name)]))
    const as = (name: keyof typeof people, ...args: string[]) => cluster.quorate([...args, '--identity', at(name)])
    const history = () => readFileSync(join(stateFolder, 'audit/history.jsonl'), 'utf8')

    const own = await cluster.quorate(['plan', '-f', clusterFile, '-o', 'json'])
    const { hash } = JSON.parse(own.stdout) as { hash: string }
    const files = hashFiles(cluster)
    for (const name of ['otto', 'alice', 'anna', 'olga'] as const) {
      const planned = await as(name, 'plan', '-f', clusterFile, '-o', 'json')
      ended(t, planned)
      const plan = JSON.parse(planned.stdout) as { hash: string; findings: { id: string; message: string }[] }
      t.equal(plan.hash, hash, `${name} sees the same plan`)
      const limited = plan.findings.filter(({ id }) => id === 'not-permitted')
      t.equal(limited.length, name === 'olga' ? 0 : 1, name)
      t.notOk(plan.findings.some(({ id }) => id === 'check-failed'))
      ended(t, await as(name, 'nodes'))
      ended(t, await as(name, 'status'))
      ended(t, await as(name, 'verify', '-f', clusterFile), 7)
      await as(name, 'backends', '-f', clusterFile)
    }
    const elsewhere = await cluster.startQuorate(['plan', '-f', clusterFile, '--identity', at('otto'), '-o', 'json'], {
      state: at('nothing'),
    }).ended
    ended(t, elsewhere)
    t.match(elsewhere.stdout, hash, 'an observer needs no state folder')

    const refused = [
      ['otto', 'convert', '-f', clusterFile, '--yes'],
      ['otto', 'audit', 'list'],
      ['alice', 'convert', '-f', clusterFile, '--yes'],
      ['anna', 'verify', '-f', clusterFile, '--fix', '--yes'],
      ['erik', 'plan', '-f', clusterFile],
      ['olga', 'identity', 'issue', 'eve', '--role', 'approver', '--to', at('eve')],
    ] as const
    for (const [name, ...args] of refused) {
      const run = await as(name, ...args)
      ended(t, run, 2)
      t.match(run.stderr, /ACCESS_DENIED/)
      t.match(run.stderr, /Nothing was changed/)
      const { what } = { what: args[0] === 'audit' || args[0] === 'identity' ? args.slice(0, 2).join(' ') : args[0] }
      t.match(
        history(),
        new RegExp(`"what":"quorate ${what}.*","who":"${name} \\(${people[name]}\\), as .*"outcome":"ACCESS_DENIED"`),
      )
    }
    t.same(hashFiles(cluster), files, 'nothing was changed on any node')

    ended(t, await as('anna', 'audit', 'list'))
    const calls = await as('anna', 'audit', 'list', '--node', cluster.node('cp1').name)
    ended(t, calls)
    for (const name of ['otto', 'alice', 'anna', 'olga']) t.match(calls.stdout, name, 'the agent knows who called')
    ended(t, await as('erik', 'enroll', 'spare.example.com', '--address', '192.0.2.9', '--bundle', at('spare')))
    t.match(history(), /"what":"quorate enroll","who":"erik \(enroller\), as .*"outcome":"exit code 0"/)
    ended(t, await as('alice', 'approve', hash, '-f', clusterFile, '--yes'))

    ended(t, await cluster.quorate(['revoke', 'otto', '--yes']), 3)
    const revoked = await as('otto', 'plan', '-f', clusterFile)
    ended(t, revoked, 3)
    t.match(revoked.stderr, /the key of otto was revoked[\s\S]*identity issue[\s\S]*IDENTITY_REVOKED/)
    const byAgents = await cluster.startQuorate(['plan', '-f', clusterFile, '--identity', at('otto')], {
      state: at('nothing'),
    }).ended
    ended(t, byAgents, 3)
    t.match(byAgents.stdout, /the key of otto was revoked on/, 'agents refuse it where no list is at hand')

    const converted = await as('olga', 'convert', '-f', clusterFile, '--yes', '--plan', hash)
    ended(t, converted)
    t.match(history(), /"what":"quorate convert","who":"olga \(operator\), as .*"outcome":"exit code 0"/)
    for (const name of ['alice', 'anna'] as const) ended(t, await as(name, 'verify', '-f', clusterFile))
  },
)
