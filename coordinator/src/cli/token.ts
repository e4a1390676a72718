import { QuorateError } from '@quorate/shared/errors'
import { type Role, roles } from '@quorate/shared/roles'
import { Command, Option } from 'commander'
import { line } from '../documents/document.js'
import { tokenCreated, tokens as tokensDocument } from '../documents/fleet.js'
import type { RestTokens } from '../state/rest-tokens.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { tokensText } from './render/tokens.js'

export const tokenCommand: CommandMaker = (context) =>
  new Command('token')
    .summary('create, list and revoke tokens of REST')
    .description(
      'Each program or person that uses `quorate serve` gets a token of its own, with a role and an end. A change counts at the next request; event ' +
        'streams that a revoked token opened end within a second.',
    )
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context))

const mostDays = 366
const dayMs = 24 * 60 * 60_000

interface CreateOptions extends CommonOptions {
  readonly role: Role
  readonly days: string
  readonly cluster: readonly string[]
}

const createCommand = ({ terminal, openSession, now }: CliContext) =>
  new Command('create')
    .summary('create a token and print it, once')
    .argument('<name>', 'lower-case letters, digits and hyphens, at most 40')
    .addOption(
      new Option('--role <role>', 'observer reads, operator changes too, approver approves, auditor reads the history')
        .choices(roles)
        .default('observer'),
    )
    .option('--days <days>', `until it expires, at most ${mostDays}`, '90')
    .option('--cluster <name...>', 'an observer, approver or auditor for these clusters only', [])
    .addHelpText(
      'after',
      '\nExamples:\n  quorate token create dashboard > dashboard.token\n  quorate token create pipeline --role operator --days 30',
    )
    .action(async (name: string, _options, command: Command) => {
      const { state, output, role, days, cluster } = command.optsWithGlobals<CreateOptions>()
      const number = Number(days)
      if (!Number.isInteger(number) || number < 1 || number > mostDays)
        throw new QuorateError('USAGE', `--days takes a number from 1 to ${mostDays}`)
      if ((role === 'operator' || role === 'enroller') && cluster.length > 0)
        throw new QuorateError('USAGE', `an ${role} cannot be limited to clusters`, {
          remedy: 'Leave out --cluster. A cluster file says itself which machines it is about.',
        })
      const wish = { name, role, clusters: cluster, expiresAt: now() + number * dayMs }
      const { token, kept } = await tokensOf(await openSession(state)).create(wish)
      terminal.out(output === 'json' ? line(tokenCreated, { token, kept }) : `${token}\n`)
      if (output === 'text')
        terminal.err(
          `Token ${name}, ${role}, until ${new Date(kept.expiresAt).toISOString().slice(0, 10)}. It is not shown again.\n`,
        )
    })

const listCommand = ({ terminal, openSession, now }: CliContext) =>
  new Command('list').summary('list tokens with role and end').action(async (_options, command: Command) => {
    const { state, output } = command.optsWithGlobals<CommonOptions>()
    const tokens = await tokensOf(await openSession(state)).list()
    terminal.out(output === 'json' ? line(tokensDocument, { tokens }) : tokensText(tokens, now()))
  })

const revokeCommand = ({ terminal, openSession }: CliContext) =>
  new Command('revoke')
    .summary('revoke a token')
    .argument('<name>', 'name of the token')
    .action(async (name: string, _options, command: Command) => {
      const { state } = command.optsWithGlobals<CommonOptions>()
      await tokensOf(await openSession(state)).revoke(name)
      terminal.err(`Token ${name} is revoked.\n`)
    })

function tokensOf({ tokens }: { readonly tokens?: RestTokens }): RestTokens {
  if (tokens === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder keeps no tokens')
  return tokens
}
