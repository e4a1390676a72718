import { exitCode } from '@quorate/shared/errors'
import { version } from '@quorate/shared/version'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { upgradeCheck as upgradeCheckDocument } from '../documents/fleet.js'
import { upgradeCheck } from '../runs/upgrade-check.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { makeStyle } from './render/style.js'
import { upgradeText } from './render/upgrade-check.js'

export const makeCommand: CommandMaker = ({ terminal, openSession }, finish) =>
  new Command('upgrade-check')
    .description(
      'Compares this release with what it would work with: runs that are not over, by the release that wrote them, and the agents of all enrolled nodes. Run it with the new ' +
        'executable before that replaces the old one. It works with agents and runs of its own release and of the one before, never of a newer one. Exit code 0: nothing ' +
        'stands in the way; 3: something does. Changes nothing.',
    )
    .addHelpText('after', '\nExamples:\n  ./quorate-new upgrade-check\n  quorate upgrade-check -o json')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const items = await upgradeCheck(await openSession(state))
      terminal.out(
        output === 'json'
          ? line(upgradeCheckDocument, { version, items })
          : upgradeText(items, version, makeStyle(terminal.coloured)),
      )
      finish(items.some(({ verdict }) => verdict === 'blocks') ? exitCode.blocked : exitCode.done)
    })
