import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { askAgents } from '../audit/agents.js'
import { callsOf } from '../audit/calls.js'
import type { History } from '../audit/history.js'
import { verifyHistory } from '../audit/verify-history.js'
import { line } from '../documents/document.js'
import { calls as callsDocument, history as historyDocument, historyVerification } from '../documents/history.js'
import type { Session } from '../runs/context/session.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { callsText, historyText, verifiedText } from './render/history.js'
import { makeStyle } from './render/style.js'

export const makeCommand: CommandMaker = (context) =>
  new Command('audit')
    .description(
      'Every command and request that changes something, and every one that was refused, is recorded in the state folder with who did it and how it ' +
        'ended; how far the journal of each run goes is recorded with it. The whole is signed, and agents keep the newest signature: a history that is ' +
        'rewritten later is contradicted by the nodes. Each agent records the calls that it gets.',
    )
    .addCommand(listCommand(context))
    .addCommand(verifyCommand(context))

const most = 10_000

const listCommand = ({ terminal, openSession }: CliContext) =>
  new Command('list')
    .summary('list what was done here, or the calls that a node got')
    .option('--node <node>', "the calls that this node's agent recorded, instead")
    .option('--newest <number>', `how many, at most ${most}`, '200')
    .option('--lines', 'one JSON object a line, for other programs')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate audit list\n  quorate audit list --node k8smaster1\n  quorate audit list --newest 10000 --lines | logger -t quorate-audit',
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & { node?: string; newest: string; lines?: true }>()
      const newest = Number(options.newest)
      if (!Number.isInteger(newest) || newest < 1 || newest > most)
        throw new QuorateError('USAGE', `--newest takes a number from 1 to ${most}`)
      const session = await openSession(options.state)
      const print = <T>(entries: readonly T[], text: (entries: readonly T[]) => string, json: () => string) => {
        if (options.lines) return terminal.out(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
        terminal.out(options.output === 'json' ? json() : text(entries))
      }
      const { node } = options
      if (node !== undefined) {
        const fleet = session.connect()
        const calls = await callsOf(node, newest, await session.enrolled(), fleet).finally(() => fleet.close())
        return print(calls, callsText, () => line(callsDocument, { node, calls }))
      }
      const entries = (await historyIn(session).read()).entries.slice(-newest)
      print(entries, historyText, () => line(historyDocument, { entries }))
    })

const verifyCommand = ({ terminal, openSession }: CliContext) =>
  new Command('verify')
    .summary('compare the history with its signature, with the journals and with what the nodes keep')
    .description(
      'Changes nothing. Exit code 0 when all agrees; 5 when something that was recorded was changed later: `docs/security.md#audit` says what then.',
    )
    .option('--against-agents', 'ask every enrolled node for the checkpoint that it keeps')
    .addHelpText('after', '\nExamples:\n  quorate audit verify\n  quorate audit verify --against-agents')
    .action(async (_options, command: Command) => {
      const { state, output, againstAgents } = command.optsWithGlobals<CommonOptions & { againstAgents?: true }>()
      const session = await openSession(state)
      const history = historyIn(session)
      const verified = await verifyHistory(history, session.runs)
      const agents = againstAgents === true ? await witnesses(session, history) : []
      const against = agents.filter(({ says }) => says === 'contradicts').map(({ node }) => node)
      const sound = verified.problems.length === 0 && against.length === 0
      const [verifier, checkpoint] = [await history.verifier(), await history.note()]
      terminal.out(
        output === 'json'
          ? line(historyVerification, { ...verified, verifier, checkpoint, sound, agents })
          : verifiedText(verified, agents, makeStyle(terminal.coloured)),
      )
      if (!sound)
        throw new QuorateError(
          'HISTORY_CONTRADICTED',
          against.length > 0
            ? `the history is not the one that was shown to ${against.join(', ')}`
            : 'the history is not what was written',
        )
      if (agents.length > 0 && agents.every(({ says }) => says === 'silent'))
        throw new QuorateError('AGENT_UNREACHABLE', 'no node answered: nothing was compared with them')
    })

async function witnesses(session: Session, history: History) {
  const fleet = session.connect()
  return askAgents(history, await session.enrolled(), fleet).finally(() => fleet.close())
}

function historyIn({ history }: Session): History {
  if (history === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder has no history')
  return history
}
