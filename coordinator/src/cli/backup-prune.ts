import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { pruned as prunedDocument } from '../documents/fleet.js'
import { plural } from '../report/words.js'
import { logsOverSince, type PrunedNode, planPrune, prune } from '../runs/prune-backups.js'
import { logsBefore, removeLogs } from '../state/deleted-backups.js'
import { statePaths } from '../state/paths.js'
import { askFor, requireSomebody } from './approval.js'
import type { CliContext, CommonOptions } from './context.js'
import { prunedText, pruneText } from './render/backups.js'

interface Options extends CommonOptions {
  readonly yes?: boolean
}

/** `quorate backup prune`. */
export const pruneCommand = (context: CliContext) =>
  new Command('prune')
    .summary('delete backups on the nodes that no rollback needs, and logs of detached commands')
    .description(
      'The backups of a node hold the keys of the CAs and etcd snapshots; root there can open them. Shows which runs cannot be undone any more, asks for approval, ' +
        'and deletes their backups from the nodes. The encrypted copies in the state folder stay. A run that ended well is pruned only when you name it: ' +
        'it cannot be rolled back afterwards.',
    )
    .argument('[run...]', 'run IDs; default: every run that was rolled back')
    .option('--yes', 'do not ask for approval')
    .addHelpText('after', '\nExamples:\n  quorate backup prune\n  quorate backup prune 20261122t221530-ab12cd --yes')
    .action((runs: readonly string[], _options, command: Command) =>
      pruneBackups(context, runs, command.optsWithGlobals<Options>()),
    )

async function pruneBackups(
  { terminal, openSession, now }: CliContext,
  named: readonly string[],
  { state, output, yes = false }: Options,
): Promise<void> {
  const session = await openSession(state)
  const plan = await planPrune(session, named.map(parseRunId))
  const logs = await logsBefore(statePaths(state), await logsOverSince(session, now()))
  if (output === 'text') terminal.out(pruneText(plan, logs))
  const isNothing = plan.length === 0 && logs.length === 0
  if (!yes && !isNothing) {
    requireSomebody(terminal, 'Use --yes.')
    await askFor(terminal, 'Delete them now?', { what: 'the deletion', where: state })
  }
  const nodes = await prune(session, plan)
  await removeLogs(logs)
  if (output === 'json') terminal.out(line(prunedDocument, { nodes: [...nodes], logs: [...logs] }))
  else if (!isNothing) terminal.out(prunedText(nodes, logs))
  refuseLeft(nodes)
}

function refuseLeft(nodes: readonly PrunedNode[]): void {
  const left = nodes.filter(({ done }) => !done)
  if (left.length === 0) return
  throw new QuorateError('AGENT_UNREACHABLE', `backups stay on ${plural(left.length, 'node')}`, {
    where: left.map(({ node }) => node).join(', '),
    remedy:
      'Run the command again when these nodes answer. On a node that is no longer in the fleet: rm -r /var/lib/quorate-agent/backups/RUN',
  })
}
