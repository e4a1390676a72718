import { Command } from 'commander'
import { line } from '../documents/document.js'
import { initialised } from '../documents/fleet.js'
import { initState, requireNoFleet } from '../state/init.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { newPassphrase, type PassphraseOptions, passphraseFile } from './passphrase.js'

export const makeCommand: CommandMaker = ({ terminal }) =>
  new Command('init')
    .description(
      'Creates the state folder: a certificate authority for the agents of your nodes, your own identity, and the key that decrypts the backups. ' +
        'Run it once, on the machine that you convert from. Nothing leaves this machine. ' +
        'On a terminal it asks for a passphrase for the root key: a copy of the state folder then holds an issuer that ends within 90 days, not the fleet. ' +
        'The price: `quorate renew issuer` asks for it every two months.',
    )
    .addOption(passphraseFile())
    .addHelpText(
      'after',
      '\nExamples:\n  quorate init\n  quorate init --state ~/clusters/prod\n  quorate init --passphrase-file /run/keys/quorate',
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & PassphraseOptions>()
      const { state, output } = options
      await requireNoFleet(state)
      const passphrase = await newPassphrase(terminal, options)
      const { folder, fleetId, backupIdentity, caKey } = await initState(state, { passphrase })
      if (output === 'json') return terminal.out(line(initialised, { state: folder, fleetId, backupIdentity }))
      terminal.out(
        `The state folder is ${folder}, the fleet ${fleetId}.\n` +
          `Keep a copy of ${backupIdentity} elsewhere: only this key decrypts the backups of your clusters.\n` +
          (passphrase === undefined
            ? `The root key ${caKey} has no passphrase: \`quorate root protect\` gives it one.\n\n`
            : 'The root key is under your passphrase, which nothing restores. Keep it as well as the key above.\n\n') +
          'Next, for each existing and future control plane, and each worker:\n' +
          '  quorate enroll NODE --address HOST --bundle ./NODE\n' +
          '  then copy the folder to /etc/quorate on that node and start quorate-agent there.\n',
      )
    })
