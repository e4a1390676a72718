import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { renewals as renewalsDocument } from '../documents/fleet.js'
import { renewIdentities } from '../runs/renew.js'
import type { Session } from '../runs/session.js'
import type { RootAccess } from '../state/root-key.js'
import { isDue } from '../state/validity.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { type PassphraseOptions, passphraseFile, passphraseIn } from './passphrase.js'
import { renewedText } from './render/renewals.js'
import { makeStyle } from './render/style.js'
import type { Terminal } from './terminal.js'

export const renewCommand: CommandMaker = ({ terminal, openSession }, finish) =>
  new Command('renew')
    .summary('renew certificates of agents and of the coordinator')
    .description(
      'Renews what has less than a third of its life left: each node makes a new key itself, gets a certificate for it and uses it at once, without a restart. ' +
        'Conversions, rollbacks and drills do the same at their end. A node whose certificate has expired is renewed too, by the key that it has. ' +
        'The issuer of all these ends within 90 days; where the root key has a passphrase, this command asks for it when the issuer is due. Exit code 3 when a node did not answer: it is tried again next time.',
    )
    .argument('[name...]', 'names of nodes, coordinator, or issuer; default: all')
    .option('--early', 'also what is valid for longer')
    .addOption(passphraseFile())
    .option('--root-key <file>', 'the root key, where it is kept elsewhere than in the state folder')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate renew\n  quorate renew k8smaster1.example.com --early\n  quorate renew issuer',
    )
    .action(async (names: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<RenewOptions>()
      const { state, output, early = false } = options
      const session = await openSession(state)
      const root = await rootAccess(session, options, terminal)
      const renewed = await renewIdentities(session, { names, early, root })
      terminal.out(
        output === 'json'
          ? line(renewalsDocument, { identities: renewed })
          : renewedText(renewed, makeStyle(terminal.coloured)),
      )
      finish(renewed.some(({ state: each }) => each === 'failed') ? exitCode.blocked : exitCode.done)
    })

interface RenewOptions extends CommonOptions, PassphraseOptions {
  readonly early?: boolean
  readonly rootKey?: string
}

/** Asks for the passphrase where it is needed now and there is a terminal. */
async function rootAccess(
  { renewals }: Session,
  { passphraseFile: path, rootKey: file }: RenewOptions,
  terminal: Terminal,
): Promise<RootAccess> {
  const at = file === undefined ? {} : { file }
  if (path !== undefined) return { ...at, passphrase: await passphraseIn(path) }
  const { rootKey, validity } = (await renewals?.issuer()) ?? {}
  const isDueNow = validity === undefined || isDue(validity, Date.now())
  const isNeeded = file !== undefined || (rootKey === 'under a passphrase' && isDueNow)
  if (!isNeeded || !terminal.canAsk) return at
  const passphrase = await terminal.askSecret('Passphrase of the root key: ')
  return passphrase === '' ? at : { ...at, passphrase }
}
