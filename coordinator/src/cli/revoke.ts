import { exitCode, QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { revocation } from '../documents/fleet.js'
import { planRevoke, type RevokeWish, revoke } from '../runs/revoke.js'
import { askFor, requireSomebody } from './approval.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { revokedText, revokePlanText } from './render/revocation.js'
import { makeStyle } from './render/style.js'
import { readText } from './text-file.js'

interface Options extends CommonOptions {
  readonly certificate?: string
  readonly yes?: boolean
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('revoke')
    .description(
      'For a key that was stolen or lost, or a machine that left. Adds the keys to a numbered list that the issuer of the fleet signs, and gives it to every agent that answers. ' +
        'An agent refuses a revoked key at its next call, ends what it has open within a second, seals nothing for it and opens nothing from it; this machine no longer talks to a ' +
        'revoked node. A node that is away gets the list with the next command that reaches it. Keys are revoked, not names: enroll the node again, or run `quorate renew coordinator --early`, for ' +
        'a new key. `quorate revoke coordinator` revokes the keys that the coordinator had before, never the one that it uses. Exit code 3 when a node did not get the list.',
    )
    .argument('[name]', 'a node, the user of `quorate identity`, or coordinator')
    .option('--certificate <file>', 'revoke the key of this certificate instead, such as node.crt of a lost bundle')
    .option('--yes', 'do not ask for approval')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate revoke k8sworker3.example.com\n  quorate revoke --certificate ./k8smaster2/node.crt --yes\n' +
        'After a theft of the coordinator key:\n  quorate renew coordinator --early\n  quorate revoke coordinator\n',
    )
    .action(async (name: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      finish(await revokeKeys(context, await wishOf(name, options.certificate), options))
    })

async function wishOf(name: string | undefined, file: string | undefined): Promise<RevokeWish> {
  if ((name === undefined) === (file === undefined))
    throw new QuorateError('USAGE', 'name one node or user, or coordinator, or a file with --certificate', {
      remedy: 'For instance: quorate revoke k8sworker3.example.com',
    })
  if (file === undefined) return name === undefined ? {} : { name }
  return { certificate: await readText(file) }
}

async function revokeKeys(
  { terminal, openSession }: CliContext,
  wish: RevokeWish,
  { state, output, yes = false }: Options,
): Promise<number> {
  const session = await openSession(state)
  const plan = await planRevoke(session, wish)
  if (output === 'text') terminal.out(revokePlanText(plan))
  if (!yes && plan.fresh.length > 0) {
    requireSomebody(terminal, 'Use --yes.')
    await askFor(terminal, 'Revoke now?', { what: 'the revocation', where: state })
  }
  const { number, nodes } = await revoke(session, plan)
  const { whose, keys } = plan
  terminal.out(
    output === 'json'
      ? line(revocation, { whose, keys: keys.map(({ sha256 }) => sha256), number, nodes: [...nodes] })
      : revokedText({ number, nodes }, makeStyle(terminal.coloured)),
  )
  return nodes.some(({ state: each }) => each === 'away') ? exitCode.blocked : exitCode.done
}
