import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { renewals as renewalsDocument } from '../documents/fleet.js'
import type { Session } from '../runs/context/session.js'
import { renewIdentities } from '../runs/renew.js'
import { isDue } from '../state/validity.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { passphraseFile, type RootKeyOptions, type RootKeyWish, rootAccess, rootKeyFile } from './passphrase.js'
import { renewedText } from './render/renewals.js'
import { makeStyle } from './render/style.js'

export const makeCommand: CommandMaker = ({ terminal, openSession }, finish) =>
  new Command('renew')
    .description(
      'Renews what has less than a third of its life left: each node makes a new key itself, gets a certificate for it and uses it at once, without a restart. ' +
        'Conversions, rollbacks and drills do the same at their end. A node whose certificate has expired is renewed too, by the key that it has. ' +
        'The issuer of all these ends within 90 days; where the root key has a passphrase, this command asks for it when the issuer is due. Exit code 3 when a node did not answer: it is tried again next time.',
    )
    .argument('[name...]', 'names of nodes, coordinator, or issuer; default: all')
    .option('--early', 'also what is valid for longer')
    .addOption(passphraseFile())
    .addOption(rootKeyFile())
    .addHelpText(
      'after',
      '\nExamples:\n  quorate renew\n  quorate renew k8smaster1.example.com --early\n  quorate renew issuer',
    )
    .action(async (names: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<RenewOptions>()
      const { state, output, early = false } = options
      const session = await openSession(state)
      const root = await rootAccess({
        options,
        terminal,
        ...(await rootKeyNeeded(session, early && names.includes('issuer'))),
      })
      const renewed = await renewIdentities(session, { names, early, root })
      terminal.out(
        output === 'json'
          ? line(renewalsDocument, { identities: renewed })
          : renewedText(renewed, makeStyle(terminal.coloured)),
      )
      finish(renewed.some(({ state: each }) => each === 'failed') ? exitCode.blocked : exitCode.done)
    })

interface RenewOptions extends CommonOptions, RootKeyOptions {
  readonly early?: boolean
}

/** Whether the root key is needed now. */
async function rootKeyNeeded(
  { renewals }: Session,
  isAsked: boolean,
): Promise<Pick<RootKeyWish, 'isNeeded' | 'place'>> {
  const { rootKey: place = 'elsewhere', validity } = (await renewals?.issuer()) ?? {}
  return { place, isNeeded: isAsked || validity === undefined || isDue(validity, Date.now()) }
}
