import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { nodes as nodesDocument } from '../documents/fleet.js'
import { listNodes } from '../runs/nodes.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { nodesText } from './render/nodes.js'
import { makeStyle } from './render/style.js'

export const makeCommand: CommandMaker = ({ terminal, openSession, now }, finish) =>
  new Command('nodes')
    .description(
      'Asks every enrolled node: whether its agent is reachable, which versions it runs, how far its clock is from that of this machine. Shows until when ' +
        'the certificate of each agent is valid, and which list of revoked keys it has (`quorate revoke`). Exit code 0 when every agent answers, otherwise 3: a run would be blocked.',
    )
    .addHelpText('after', '\nExamples:\n  quorate nodes\n  quorate nodes -o json')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const nodes = await listNodes(await openSession(state))
      terminal.out(
        output === 'json' ? line(nodesDocument, { nodes }) : nodesText(nodes, now(), makeStyle(terminal.coloured)),
      )
      finish(nodes.every(({ reachable }) => reachable) ? exitCode.done : exitCode.blocked)
    })
