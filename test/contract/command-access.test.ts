import { roles } from '@quorate/shared/roles'
import { Help } from 'commander'
import t from 'tap'
import { allowed } from '../../agent/src/server/access.js'
import { commandTable } from '../../coordinator/src/cli/access-table.js'
import { requireRole } from '../../coordinator/src/cli/acting-as.js'
import { commandsOf, nameOf } from '../../coordinator/src/cli/command-name.js'
import { listedCommands } from '../../coordinator/src/cli/commands.js'
import type { CliContext } from '../../coordinator/src/cli/context.js'
import { makeProgram } from '../../coordinator/src/cli/program.js'
import { acts } from '../../coordinator/src/cli/recorded-act.js'
import { threatModelPage } from '../../docs-pages/threat-model-page.js'

const context = { defaultState: '/nowhere', version: '0', terminal: {} } as unknown as CliContext
const program = await makeProgram(context, () => undefined)
const commands = commandsOf(program)

t.test('the table has each command of the command tree, and no other', async (t) => {
  t.same([...commands.map(nameOf), 'verify --fix', 'deploy --check'].sort(), Object.keys(commandTable).sort())
})

t.test('--help lists each command as the command says of itself, without reading its file', async (t) => {
  const asCommander = new Help()
  for (const [at, command] of program.commands.entries()) {
    const [usage, does] = listedCommands[at] ?? []
    t.equal(usage, asCommander.subcommandTerm(command))
    t.equal(command.summary(), does)
  }
  const listed = await makeProgram(context, () => undefined, { asked: ['--help'] })
  t.equal(listed.helpInformation(), program.helpInformation())
})

for (const role of roles)
  t.test(`with the role ${role} the table's commands pass, and every other is refused with what to do`, async (t) => {
    const person = { name: 'alice', role, fingerprint: '', key: '', folder: '', certPem: '', keyPem: '', caPem: '' }
    for (const command of commands) {
      const use = () => requireRole(command, person)
      if (commandTable[nameOf(command)]?.roles.includes(role)) t.doesNotThrow(use, nameOf(command))
      else t.throws(use, { code: 'ACCESS_DENIED', remedy: /^Nothing was changed\./ }, nameOf(command))
    }
  })

t.test('no role has a command here that agents would refuse it', async (t) => {
  for (const [what, { roles: may, asks }] of Object.entries(commandTable))
    if (asks !== undefined) for (const role of may) t.ok(allowed[asks].includes(role), `${what} for ${role}`)
})

t.test('what changes something is for operators, approvers for approvals and enrollers for enrolment', async (t) => {
  const by = (role: (typeof roles)[number]) =>
    Object.keys(acts).filter((what) => commandTable[what]?.roles.includes(role))
  t.same(by('observer'), [])
  t.same(by('auditor'), [])
  t.same(by('approver'), ['approve', 'approvals add'])
  t.same(by('enroller'), ['enroll', 'token node'])
  for (const [what, { asks }] of Object.entries(commandTable))
    if (asks === 'operator') t.ok(Object.hasOwn(acts, what), `${what} is recorded`)
})

t.test('help and threat model name the roles of each command', async (t) => {
  const page = threatModelPage()
  for (const command of commands) {
    const may = commandTable[nameOf(command)]?.roles ?? []
    t.match(page, `| \`${nameOf(command)}\` | ${may.length === 0 ? 'none' : may.join(', ')} |`)
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
    t.match(
      help,
      may.length === 0 ? 'takes no --identity' : `Roles with --identity: ${may.join(', ')}`,
      nameOf(command),
    )
  }
})
