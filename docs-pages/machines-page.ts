import { can, type MachineRule, machineRules, missingIn, shipped } from '../shared/src/machine-versions.js'
import { installCommand } from '../shared/src/package-manager.js'

const systems = [
  ['Debian, Ubuntu', 'debian'],
  ['RHEL, Rocky, Alma, Oracle, Fedora, Amazon Linux 2023', 'rhel'],
  ['SLES, openSUSE', 'sles'],
] as const

function ofMachine(one: (typeof shipped)[number]): string {
  const old = (['haproxy', 'keepalived', 'systemd'] as const).filter((name) => missingIn(name, one[name]).length > 0)
  const rendered = can('haproxy-http-check-connect', one.haproxy) ? '`http-check connect ssl`' : '`option httpchk`'
  const result = old.length > 0 ? `refused: ${old.join(', ')} too old` : rendered
  return `| ${one.machine} | ${one.haproxy} | ${one.keepalived} | ${one.systemd} | ${result} |`
}

/** Text of docs/machines.md: what is asked of the programs of a machine, and what Quorate does with older ones. */
export function machinesPage(): string {
  const rule = ([name, each]: [string, MachineRule]) =>
    `| <a id="${name}"></a>\`${name}\` | ${each.program} ${each.from} | ${each.says} | ${each.otherwise ?? 'refused, with the finding [program-versions](findings.md#program-versions)'} | ${each.source} |`
  return `# Machines

What Quorate asks of the programs of a machine is one table (\`shared/src/machine-versions.ts\`), by program and release. A release that nobody knows is taken for a new one: what is rendered is tested by
the machine's own haproxy, keepalived and systemd in the plan, before anything is changed ([decision 0015](decisions/0015-own-units.md)).

Generated from the code; do not edit.

| rule | first release | what it can do | with an older one | source |
|---|---|---|---|---|
${Object.entries(machineRules).map(rule).join('\n')}

## What distributions ship

How haproxy is told to ask an API server whether it is ready depends on its release.

| machine | haproxy | keepalived | systemd | configuration |
|---|---|---|---|---|
${shipped.map(ofMachine).join('\n')}

## Packages

Quorate installs none. Remedies speak the package manager of the node, by its \`/etc/os-release\`:

| machine | command |
|---|---|
${systems.map(([name, osId]) => `| ${name} | \`${installCommand({ osId, osLike: [], osVersion: '' }, ['haproxy', 'keepalived'])}\` |`).join('\n')}

## SELinux

Where it is enforcing, \`haproxy_t\` and \`keepalived_t\` may use the ports of \`http_port_t\` (8443 is one of them, 6443 is not) unless a boolean lets them use any. The finding
[selinux](findings.md#selinux) tells it before the start:

\`\`\`
setsebool -P haproxy_connect_any 1
\`\`\`

Quorate's files get the context of their folder, and those that it replaces keep theirs. Where somebody copied them: \`restorecon -Rv /etc/quorate-haproxy /etc/quorate-keepalived /etc/systemd/system\`.
`
}
