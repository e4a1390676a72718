import type { Role } from '@quorate/shared/roles'

/** Who may use a command with an identity of `quorate identity issue`, and the most that it asks of agents. */
export interface CommandAccess {
  /** None: it works with the state folder's own keys, and takes no --identity. */
  readonly roles: readonly Role[]
  /** The least role that agents want for what it asks them; unset: it asks none. */
  readonly asks?: 'observer' | 'auditor' | 'operator'
}

const operators: readonly Role[] = ['operator']
const readers: readonly Role[] = ['observer', 'approver', 'auditor', 'operator']
const auditors: readonly Role[] = ['auditor', 'operator']

/** It uses or makes the root key, or is this machine's own server. */
const ownKeys: CommandAccess = { roles: [] }
const reads: CommandAccess = { roles: readers }
const looks: CommandAccess = { roles: readers, asks: 'observer' }
const changes: CommandAccess = { roles: operators, asks: 'operator' }
const changesHere: CommandAccess = { roles: operators }
const audits: CommandAccess = { roles: auditors, asks: 'auditor' }

/**
 * WHO MAY USE WHICH COMMAND with --identity. A command that is not here is refused. Agents have a table of their own (agent/src/server/access.ts): a
 * command that asks them is only for roles which they let do it. Without --identity a command acts with the coordinator's own keys.
 */
export const commandTable: Readonly<Record<string, CommandAccess>> = {
  init: ownKeys,
  // By the operator's own ssh, with the state folder's keys.
  deploy: ownKeys,
  'deploy --check': ownKeys,
  discover: { roles: [...readers, 'enroller'] },
  schema: { roles: [...readers, 'enroller'] },
  'completion bash': { roles: [...readers, 'enroller'] },
  'completion zsh': { roles: [...readers, 'enroller'] },
  'completion fish': { roles: [...readers, 'enroller'] },
  'completion words': { roles: [...readers, 'enroller'] },
  enroll: { roles: ['enroller', 'operator'] },
  nodes: looks,
  'upgrade-check': looks,
  renew: changes,
  revoke: changes,
  'root show': reads,
  'root protect': ownKeys,
  'root rotate': ownKeys,
  'root retire': ownKeys,
  plan: looks,
  approve: { roles: ['approver'], asks: 'observer' },
  'approvals list': reads,
  // The signature proves itself: who carries it does not matter.
  'approvals add': { roles: ['approver', 'operator'] },
  convert: changes,
  resume: changes,
  rollback: changes,
  status: reads,
  watch: reads,
  verify: looks,
  'verify --fix': changes,
  backends: looks,
  drill: changes,
  report: reads,
  'backup list': reads,
  'backup verify': changesHere,
  'backup restore': changesHere,
  'backup prune': changes,
  'audit list': audits,
  'audit verify': audits,
  explain: { roles: [...readers, 'enroller'] },
  serve: ownKeys,
  'token create': changesHere,
  'token node': { roles: ['enroller', 'operator'] },
  'token list': reads,
  'token revoke': changesHere,
  'identity issue': ownKeys,
  'identity list': reads,
}

/** Undefined for a command that the table lacks. */
export const accessOf = (what: string): CommandAccess | undefined =>
  Object.hasOwn(commandTable, what) ? commandTable[what] : undefined
