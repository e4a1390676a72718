import { Command } from 'commander'
import { line } from '../documents/document.js'
import { initialised } from '../documents/fleet.js'
import { initState } from '../state/init.js'
import type { CommandMaker, CommonOptions } from './context.js'

export const initCommand: CommandMaker = ({ terminal }) =>
  new Command('init')
    .summary('create the state folder and the fleet CA')
    .description(
      'Creates the state folder: a certificate authority for the agents of your nodes, your own identity, and the key that decrypts the backups. ' +
        'Run it once, on the machine that you convert from. Nothing leaves this machine.',
    )
    .addHelpText('after', '\nExamples:\n  quorate init\n  quorate init --state ~/clusters/prod')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const { folder, fleetId, backupIdentity } = await initState(state)
      if (output === 'json') return terminal.out(line(initialised, { state: folder, fleetId, backupIdentity }))
      terminal.out(
        `The state folder is ${folder}, the fleet ${fleetId}.\n` +
          `Keep a copy of ${backupIdentity} elsewhere: only this key decrypts the backups of your clusters.\n\n` +
          'Next, for each existing and future control plane, and each worker:\n' +
          '  quorate enroll NODE --address HOST --bundle ./NODE\n' +
          '  then copy the folder to /etc/quorate on that node and start quorate-agent there.\n',
      )
    })
