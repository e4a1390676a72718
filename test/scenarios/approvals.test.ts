import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { clusterForTest, ended, journalOf, runOf } from '../support/simulated-cluster.js'

t.test(
  'where the cluster file says approvals: 2, a conversion starts when two others have signed its plan',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 }, { policy: ['  approvals: 2'] })
    const { clusterFile, stateFolder } = cluster
    const at = (name: string): string => join(cluster.operatorFolder, name)
    const issue = async (name: string, role: string) =>
      ended(t, await cluster.quorate(['identity', 'issue', name, '--role', role, '--to', at(name)]))
    for (const name of ['alice', 'bob', 'carol']) await issue(name, 'approver')
    await issue('olga', 'operator')
    ended(t, await cluster.quorate(['identity', 'issue', 'olga', '--role', 'approver', '--to', at('olga2')]), 2)

    const planned = await cluster.quorate(['plan', '-f', clusterFile])
    ended(t, planned)
    t.match(planned.stdout, /needs the approval of 2 approvers, each: quorate approve [0-9a-f]{64} -f \S+cluster\.yaml/)
    const { stdout: document } = await cluster.quorate(['plan', '-f', clusterFile, '-o', 'json'])
    const { hash } = JSON.parse(document) as { hash: string }
    const convert = () => cluster.quorate(['convert', '-f', clusterFile, '--yes', '--plan', hash])
    const refused = await convert()
    ended(t, refused, 3)
    t.match(refused.stderr, `0 of 2 approvals of plan ${hash}`)

    // One plans again beside the state folder, the other signs the document elsewhere.
    const approve = (...args: string[]) => cluster.quorate(['approve', ...args, '--yes'])
    const byOperator = await approve(hash, '-f', clusterFile, '--identity', at('olga'))
    ended(t, byOperator, 2)
    t.match(byOperator.stderr, /olga has the role operator: `quorate approve` requires approver/)
    const stale = await approve('a'.repeat(64), '-f', clusterFile, '--identity', at('alice'))
    ended(t, stale, 3)
    t.match(stale.stderr, /nothing was signed/)
    ended(t, await approve(hash, '-f', clusterFile, '--identity', at('alice')))
    ended(t, await approve(hash, '-f', clusterFile, '--identity', at('alice')), 2)
    writeFileSync(at('plan.json'), document)
    const elsewhere = cluster.startQuorate(
      ['approve', hash, '--plan', at('plan.json'), '--identity', at('bob'), '--yes'],
      { state: at('nothing') },
    )
    const signed = await elsewhere.ended
    ended(t, signed)
    writeFileSync(at('approval.json'), signed.stdout)
    writeFileSync(at('changed.json'), document.replace('"host":"apiserver', '"host":"apiservers'))
    ended(t, await approve(hash, '--plan', at('changed.json'), '--identity', at('bob')), 3)
    ended(t, await approve(hash, '-f', clusterFile, '--identity', at('carol')))
    ended(t, await cluster.quorate(['revoke', 'carol', '--yes']))
    const revoked = await convert()
    t.match(revoked.stderr, `1 of 2 approvals of plan ${hash} (alice)`)
    t.match(revoked.stderr, 'the key of carol was revoked')
    ended(t, await cluster.quorate(['approvals', 'add', at('approval.json')]))
    t.match((await cluster.quorate(['approvals', 'list'])).stdout, /alice.*\n.*bob|bob.*\n.*alice/)

    ended(t, await convert())
    const [started] = journalOf(cluster) as unknown as { approvals?: { statement: string }[]; startedBy?: string }[]
    t.same(started?.approvals?.map(({ statement }) => /approver (\w+)/.exec(statement)?.[1]).sort(), ['alice', 'bob'])
    t.type(started?.startedBy, 'string')
    const history = readFileSync(join(stateFolder, 'audit/history.jsonl'), 'utf8')
    for (const name of ['alice', 'bob'])
      t.match(history, new RegExp(`approval of convert simulated ${hash}","who":"${name}"`))

    const run = runOf(cluster)
    const confirmed = ['--yes', '--i-know-this-takes-parts-down']
    // The remedy is typed as it is: with it the same plan is made again.
    for (const command of [
      ['drill', '-f', clusterFile, '--only', 'api-server', '--down-for', '3', ...confirmed],
      ['rollback', run, '--keep-endpoint', '--yes'],
    ]) {
      const lacking = await cluster.quorate(command)
      ended(t, lacking, 3)
      t.match(lacking.stderr, /0 of 2 approvals of plan/)
      const signing = /quorate (approve [0-9a-f]{64} .*) --identity DIR/.exec(lacking.stderr)?.[1] ?? ''
      const typed = signing.replace(' cluster.yaml', ` ${clusterFile}`).split(' ')
      for (const name of ['alice', 'bob']) ended(t, await cluster.quorate([...typed, '--identity', at(name), '--yes']))
      ended(t, await cluster.quorate(command))
    }
  },
)
