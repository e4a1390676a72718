import type { Command } from 'commander'
import { sealAndShow } from '../audit/agents.js'
import { seal } from '../audit/seal.js'
import type { Session } from '../runs/context/session.js'
import { renewIdentities } from '../runs/renew.js'
import type { Person } from '../state/own-identity.js'
import { caller } from './caller.js'
import { nameOf } from './command-name.js'
import type { CliContext, CommonOptions } from './context.js'

/** Commands that change something. `agents`: it works on nodes, which are shown the newest checkpoint at its end. */
export const acts: Readonly<Record<string, 'here' | 'agents'>> = {
  init: 'here',
  enroll: 'here',
  deploy: 'agents',
  renew: 'here',
  revoke: 'here',
  convert: 'agents',
  resume: 'agents',
  rollback: 'agents',
  drill: 'agents',
  'verify --fix': 'agents',
  'backup restore': 'here',
  'backup prune': 'here',
  'root protect': 'here',
  'root rotate': 'here',
  'root retire': 'here',
  'identity issue': 'here',
  approve: 'here',
  'approvals add': 'here',
  'token create': 'here',
  'token node': 'here',
  'token revoke': 'here',
  serve: 'here',
}

/** A command under way that is in the history. */
export interface RecordedAct {
  /** `outcome`: `exit code N`, or the code of an error. */
  ended(outcome: string): Promise<void>
}

/** Records that a command began, if it is one that changes something. A record that fails stops nobody: it is told. */
export async function beginAct(
  context: CliContext,
  command: Command,
  person?: Person,
): Promise<RecordedAct | undefined> {
  const what = nameOf(command)
  const place = acts[what]
  if (place === undefined) return undefined
  const { state } = command.optsWithGlobals<CommonOptions>()
  // Before `init` there is no folder to record it in; it is recorded when it ended.
  const open = () => context.openSession(state).catch(() => undefined)
  const record = async (session: Session | undefined, outcome: string) =>
    session?.history?.append({ what: `quorate ${what}`, ...caller(person), outcome })
  const told = (error: unknown) => untold(context, error)
  await open()
    .then((session) => record(session, 'began'))
    .catch(told)
  return {
    async ended(outcome) {
      const session = await open()
      await record(session, outcome)
        .then(() => (session === undefined ? undefined : close(context, session, place)))
        .catch(told)
    },
  }
}

/** Records that a command was refused to this user, also one that changes nothing. */
export async function recordRefusal(context: CliContext, command: Command, person: Person): Promise<void> {
  const { state } = command.optsWithGlobals<CommonOptions>()
  const session = await context.openSession(state).catch(() => undefined)
  await session?.history
    ?.append({ what: `quorate ${nameOf(command)}`, ...caller(person), outcome: 'ACCESS_DENIED' })
    .catch((error: unknown) => untold(context, error))
}

const untold = ({ terminal }: CliContext, error: unknown): void =>
  terminal.err(`warning: this is not in the history (\`quorate audit list\`): ${String(error)}\n`)

async function close({ terminal }: CliContext, session: Session, place: 'here' | 'agents'): Promise<void> {
  if (session.history === undefined) return
  if (place === 'here') return void (await seal(session.history, session.runs))
  // So fleets that are used stay valid; what cannot be renewed now is told by `quorate renew` and `quorate nodes`.
  await renewIdentities(session, { names: [], early: false }).catch(() => undefined)
  const against = await sealAndShow(session)
  if (against.length > 0)
    terminal.err(
      `warning: the history of this state folder is not the one that was shown to ${against.join(', ')}\n` +
        'next: quorate audit verify --against-agents\n',
    )
}
