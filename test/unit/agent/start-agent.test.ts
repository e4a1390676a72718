import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueCertificate } from '@quorate/shared/issue-certificate'
import { createLog } from '@quorate/shared/log'
import t from 'tap'
import { startAgent } from '../../../agent/src/start-agent.js'
import { fleet } from './server/toy-agent.js'

const log = createLog('test', () => {})

t.test('what the agent cannot read of its own is an error with what, where and what to type', async (t) => {
  const name = 'node1.example.com'
  const { certPem, keyPem } = issueCertificate({
    ...{ ca: fleet, commonName: name, organizations: ['quorate:node'], dnsNames: [name] },
    ...{ ipAddresses: [], days: 1, usage: 'server' },
  })
  const files = { 'node.crt': certPem, 'node.key': keyPem, 'fleet-ca.crt': fleet.certPem }
  const root = t.testdir({ etc: files, root: { var: { lib: { 'quorate-agent': {} } } } })
  const at = (file: string): string => join(root, 'etc', file)
  writeFileSync(at('agent.yaml'), `node: ${name}\nlisten: 127.0.0.1:0\nhostRoot: ${join(root, 'root')}\n`)
  const start = () => startAgent(at('agent.yaml'), log)
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(at(file), 'garbage')
    const where = file === 'node.key' ? join(root, 'etc') : at(file)
    await t.rejects(start(), { code: 'AGENT_CONFIG_INVALID', where, remedy: /quorate enroll/ }, file)
    rmSync(at(file))
    mkdirSync(at(file))
    await t.rejects(
      start(),
      { code: 'AGENT_CONFIG_INVALID', message: /cannot be read: .*not a regular file/ },
      `${file}: a folder`,
    )
    rmSync(at(file), { recursive: true })
    writeFileSync(at(file), text)
  }
  const ledger = join(root, 'root/var/lib/quorate-agent/ledger.jsonl')
  mkdirSync(ledger)
  await t.rejects(start(), {
    code: 'SYSTEM_REFUSED',
    message: /the ledger cannot be opened: EISDIR/,
    where: ledger,
    remedy: /ls -ld .*ledger\.jsonl/,
  })
  rmSync(ledger, { recursive: true })
  writeFileSync(ledger, 'garbage\n')
  await t.rejects(start(), { code: 'JOURNAL_DAMAGED', where: ledger })
})
