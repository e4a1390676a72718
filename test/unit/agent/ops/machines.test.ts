import { createHash } from 'node:crypto'
import { getNodeFacts } from '@quorate/agent/ops/get-node-facts'
import t from 'tap'
import { machineFacts, machines } from '../../../support/machines.js'
import { OpsNode } from '../../../support/ops-node.js'

for (const machine of machines) {
  t.test(`${machine.name}: read as its files and programs say`, async (t) => {
    const node = await OpsNode.make(t)
    node.write('/etc/os-release', machine.osRelease)
    const { haproxy, keepalived, systemd } = machine.prints
    // Files that differ from one machine to the next, as what a program printed is kept by its file.
    const mark = createHash('sha256').update(machine.name).digest('hex')
    for (const name of ['haproxy', 'keepalived']) node.write(`/usr/sbin/${name}`, `${mark}\n`, 0o755)
    node.program('haproxy', `echo '${haproxy}'`)
    node.program('keepalived', `echo '${keepalived}' >&2`)
    const systemctl = node.read('/stand-ins/systemctl').replace(/systemd 252 \([^)]*\)/, systemd)
    node.program('systemctl', systemctl.replace(/^#!.*\n/, ''))
    if (machine.selinux) {
      node.write('/sys/fs/selinux/enforce', '1')
      for (const name of ['haproxy_connect_any', 'keepalived_connect_any'])
        node.write(`/sys/fs/selinux/booleans/${name}`, '0 0')
    }
    const { facts } = await getNodeFacts.run({}, node.tools, new AbortController().signal)
    t.same(facts?.machine, machineFacts(machine))
  })
}
