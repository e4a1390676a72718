import { QuorateError } from '@quorate/shared/errors'
import type { Role } from '@quorate/shared/roles'
import { type Command, Option } from 'commander'
import type { OwnIdentity, Person } from '../state/own-identity.js'
import { accessOf } from './access-table.js'
import { nameOf } from './command-name.js'
import type { CliContext, CommonOptions } from './context.js'

/** Of every command. By the environment a user of a shared machine cannot forget it. */
export const identityOption = (): Option =>
  new Option('--identity <dir>', 'act with your own identity, of `quorate identity issue`, and its role').env(
    'QUORATE_IDENTITY',
  )

/** What commands get: once the identity of the command line is read, sessions and background processes are that user's. */
interface ActingAs {
  readonly context: CliContext
  /** Who acts, with a role for this command; undefined: the coordinator itself. ACCESS_DENIED, which is recorded; USAGE. */
  person(command: Command): Promise<Person | undefined>
}

/** `context` opens the state folder with its own keys. */
export function actingAs(context: CliContext): ActingAs {
  let own: OwnIdentity | undefined
  return {
    context: {
      ...context,
      openSession: (folder) => context.openSession(folder, own),
      detach: (args, state) => context.detach(own === undefined ? args : [...args, '--identity', own.folder], state),
    },
    async person(command) {
      const { identity } = command.optsWithGlobals<CommonOptions>()
      if (identity === undefined) return undefined
      const { readOwnIdentity } = await import('../state/own-identity.js')
      own = await readOwnIdentity(identity, context.now())
      try {
        requireRole(command, own)
      } catch (error) {
        const { recordRefusal } = await import('./recorded-act.js')
        await recordRefusal(context, command, own)
        throw error
      }
      return own
    },
  }
}

/** ACCESS_DENIED where the role of this identity does not include the command: before it starts. */
export function requireRole(command: Command, { name, role }: OwnIdentity): void {
  const what = nameOf(command)
  const roles = accessOf(what)?.roles ?? []
  if (roles.includes(role)) return
  if (roles.length === 0)
    throw new QuorateError(
      'ACCESS_DENIED',
      `\`quorate ${what}\` works with the keys of the state folder, not with the identity of ${name}`,
      {
        remedy: 'Nothing was changed. The owner of the state folder runs it without --identity and QUORATE_IDENTITY.',
      },
    )
  throw new QuorateError(
    'ACCESS_DENIED',
    `${name} has the role ${role}: \`quorate ${what}\` requires ${anyOf(roles)}`,
    {
      remedy: `Nothing was changed. Ask a user with the role ${anyOf(roles)}.`,
    },
  )
}

/** One line for the help of a command. */
export function rolesText(what: string): string {
  const roles = accessOf(what)?.roles ?? []
  return roles.length === 0 ? `\`quorate ${what}\` takes no --identity.` : `Roles with --identity: ${roles.join(', ')}.`
}

const anyOf = (roles: readonly Role[]): string => roles.join(' or ')
