import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { renewals as renewalsDocument } from '../documents/fleet.js'
import { renewIdentities } from '../runs/renew.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { renewedText } from './render/renewals.js'
import { makeStyle } from './render/style.js'

export const renewCommand: CommandMaker = ({ terminal, openSession }, finish) =>
  new Command('renew')
    .summary('renew certificates of agents and of the coordinator')
    .description(
      'Renews what has less than a third of its life left: each node makes a new key itself, gets a certificate for it and uses it at once, without a restart. ' +
        'Conversions, rollbacks and drills do the same at their end. Exit code 3 when a node did not answer: it is tried again next time.',
    )
    .argument('[name...]', 'names of nodes, or coordinator; default: all')
    .option('--early', 'also what is valid for longer')
    .addHelpText('after', '\nExamples:\n  quorate renew\n  quorate renew k8smaster1.example.com --early')
    .action(async (names: string[], _options, command: Command) => {
      const { state, output, early = false } = command.optsWithGlobals<CommonOptions & { early?: boolean }>()
      const renewed = await renewIdentities(await openSession(state), { names, early })
      terminal.out(
        output === 'json'
          ? line(renewalsDocument, { identities: renewed })
          : renewedText(renewed, makeStyle(terminal.coloured)),
      )
      finish(renewed.some(({ state: each }) => each === 'failed') ? exitCode.blocked : exitCode.done)
    })
