import { QuorateError } from '@quorate/shared/errors'
import { type Role, roles } from '@quorate/shared/roles'
import { Command, Option } from 'commander'
import { dialTarget } from '../config/node-address.js'
import { line } from '../documents/document.js'
import { nodeTokenCreated, tokenCreated, tokens as tokensDocument } from '../documents/fleet.js'
import { parseRequest } from '../state/enroll-bundle.js'
import type { NodeTokens } from '../state/node-tokens.js'
import type { RestTokens } from '../state/rest-tokens.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { tokensText } from './render/tokens.js'

export const makeCommand: CommandMaker = (context) =>
  new Command('token')
    .description(
      '`token node` makes the one-time token with which a machine joins the fleet without ssh. ' +
        'Each program or person that uses `quorate serve` gets a token of its own, with a role and an end. A change counts at the next request; event ' +
        'streams that a revoked token opened end within a second.',
    )
    .addCommand(createCommand(context))
    .addCommand(nodeCommand(context))
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

const ttlUnits: Readonly<Record<string, number>> = { m: 60_000, h: 60 * 60_000, d: dayMs }
const mostTtlMs = 7 * dayMs

interface NodeOptions extends CommonOptions {
  readonly address: string
  readonly ttl: string
}

const nodeCommand = ({ terminal, openSession, now }: CliContext) =>
  new Command('node')
    .summary('create the token with which one machine joins the fleet, and print it, once')
    .description(
      'For machines that are installed without ssh (golden images, cloud-init). The token is for this name and for the first key that uses it: the ' +
        'same machine may ask again, another one may not. It tells the machine which fleet to trust. An earlier token of this node ends. ' +
        'NODE is the name that `kubectl get nodes` shows; for a machine that is to join, its hostname.',
    )
    .argument('<node>', 'node name')
    .requiredOption('--address <host[:port]>', 'address at which this machine reaches the agent; default port: 7445')
    .option('--ttl <time>', 'until it expires: minutes, hours or days, such as 30m, 2h, 1d; at most 7d', '30m')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate serve --enroll-listen 192.168.13.10:7447\n  quorate token node k8sworker3.example.com --address 192.168.13.37 > join.token\n' +
        '  quorate-agent join 192.168.13.10:7447 --token-file join.token      (on that machine)',
    )
    .action(async (name: string, _options, command: Command) => {
      const { state, output, address, ttl } = command.optsWithGlobals<NodeOptions>()
      const { node, agent } = parseRequest({ node: name, address })
      const wish = { node, agent: dialTarget(agent.host, agent.port), expiresAt: now() + ttlMs(ttl) }
      const createdAt = now()
      const token = await nodeTokensOf(await openSession(state)).create(wish)
      if (output === 'json')
        return terminal.out(line(nodeTokenCreated, { token, kept: { ...wish, createdAt, used: false } }))
      terminal.out(`${token}\n`)
      terminal.err(
        `For ${node}, until ${new Date(wish.expiresAt).toISOString().slice(0, 16)}Z. It is not shown again. On that machine:\n` +
          '  quorate-agent join COORDINATOR:PORT --token-file FILE\n',
      )
    })

function ttlMs(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const ms = Number(number) * (ttlUnits[unit] ?? 0)
  if (ms > 0 && ms <= mostTtlMs) return ms
  throw new QuorateError('USAGE', `--ttl ${JSON.stringify(text)} is no time such as 30m, 2h or 1d, at most 7d`)
}

const listCommand = ({ terminal, openSession, now }: CliContext) =>
  new Command('list')
    .summary('list tokens, of REST and of nodes, with their ends')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const session = await openSession(state)
      const [tokens, nodes] = await Promise.all([tokensOf(session).list(), session.nodeTokens?.list() ?? []])
      terminal.out(output === 'json' ? line(tokensDocument, { tokens, nodes }) : tokensText({ tokens, nodes }, now()))
    })

interface RevokeOptions extends CommonOptions {
  readonly node?: boolean
}

const revokeCommand = ({ terminal, openSession }: CliContext) =>
  new Command('revoke')
    .summary('revoke a token')
    .argument('<name>', 'name of the token')
    .option('--node', 'the token of the node of this name')
    .action(async (name: string, _options, command: Command) => {
      const { state, node = false } = command.optsWithGlobals<RevokeOptions>()
      const session = await openSession(state)
      await (node ? nodeTokensOf(session) : tokensOf(session)).revoke(name)
      terminal.err(`${node ? 'The token of' : 'Token'} ${name} is revoked.\n`)
    })

function nodeTokensOf({ nodeTokens }: { readonly nodeTokens?: NodeTokens }): NodeTokens {
  if (nodeTokens === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder keeps no tokens')
  return nodeTokens
}

function tokensOf({ tokens }: { readonly tokens?: RestTokens }): RestTokens {
  if (tokens === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder keeps no tokens')
  return tokens
}
