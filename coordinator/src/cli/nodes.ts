import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { listNodes } from '../runs/nodes.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { nodesText } from './render/nodes.js'
import { makeStyle } from './render/style.js'

export const nodesCommand: CommandMaker = ({ terminal, openSession }, finish) =>
  new Command('nodes')
    .summary('who is enrolled and answers')
    .description(
      'Asks every enrolled node: is its agent reachable, which versions it has, and how far its clock is from this one.\nExit code 0 when every one answered, 3 when not: a run would be blocked.',
    )
    .addHelpText('after', '\nExamples:\n  quorate nodes\n  quorate nodes -o json')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const nodes = await listNodes(await openSession(state))
      terminal.out(
        output === 'json' ? `${JSON.stringify({ nodes })}\n` : nodesText(nodes, makeStyle(terminal.coloured)),
      )
      finish(nodes.every(({ reachable }) => reachable) ? exitCode.done : exitCode.blocked)
    })
