import t from 'tap'
import { parseAgentConfig } from '../../../agent/src/config.js'

const path = '/etc/quorate/agent.yaml'
const parse = (text: string) => parseAgentConfig(text, path)

t.test('a node name is enough; everything else has the default of the contract', async (t) => {
  t.same(parse('node: k8smaster1.example.com\n'), {
    node: 'k8smaster1.example.com',
    listen: '127.0.0.1:7445',
    listenAddress: '127.0.0.1',
    stateFolder: '/var/lib/quorate-agent',
    criSocket: '',
    hostRoot: '/',
    backupRecipient: '',
  })
  t.match(parse('node: a\nlisten: "[fd00::30]:7445"\n'), { listen: '[fd00::30]:7445', listenAddress: 'fd00::30' })
})

t.test('anything else is refused with the key and what belongs there', async (t) => {
  const refused = (text: string, why: RegExp) =>
    t.throws(() => parse(text), { code: 'AGENT_CONFIG_INVALID', message: why }, text)
  refused('', /not a map/)
  refused('- node: a', /not a map/)
  refused('node: [a', /agent\.yaml/)
  refused('listen: 127.0.0.1:7445', /node must be/)
  refused('node: 192.168.13.30', /node must be/)
  refused('node: a\nport: "7445"', /unknown key "port"; known: node, listen/)
  refused('node: a\nlisten: 7445', /listen must be a string/)
  for (const listen of ['localhost:7445', '127.0.0.1', '127.0.0.1:99999', '::1:7445']) {
    refused(`node: a\nlisten: "${listen}"`, /listen must be IP:port/)
  }
  refused('node: a\nbackupRecipient: "ssh-ed25519 AAAA"', /backupRecipient must be an age recipient/)
  refused('node: a\nstateFolder: var/lib', /stateFolder must be an absolute path/)
})
