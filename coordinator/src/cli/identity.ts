import { QuorateError } from '@quorate/shared/errors'
import { type Role, roles } from '@quorate/shared/roles'
import { Command, Option } from 'commander'
import { identities as identitiesDocument, identityIssued } from '../documents/approvals.js'
import { line } from '../documents/document.js'
import { statePaths } from '../state/paths.js'
import { issueIdentity, listIdentities } from '../state/person-identities.js'
import { rootKeyPlace } from '../state/root-key.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { passphraseFile, type RootKeyOptions, rootAccess, rootKeyFile } from './passphrase.js'
import { identitiesText } from './render/approvals.js'
import { readText } from './text-file.js'

export const makeCommand: CommandMaker = (context) =>
  new Command('identity')
    .description(
      'A certificate of the fleet for one user, with one role: an approver signs plans with its key, an observer or auditor reads from agents, and REST with TLS accepts ' +
        'each for its role. It takes the root key of the fleet. Where plans need approvals, give that key a passphrase which operators do not have: ' +
        'its holder can issue approvers.',
    )
    .addCommand(issueCommand(context))
    .addCommand(listCommand(context))

const mostDays = 366

interface IssueOptions extends CommonOptions, RootKeyOptions {
  readonly role: Role
  readonly to: string
  readonly days: string
  readonly publicKey?: string
}

const issueCommand = ({ terminal }: CliContext) =>
  new Command('issue')
    .summary('issue the certificate of a user')
    .argument('<name>', 'lower-case letters, digits and hyphens, at most 40; as this person is named on the machine')
    .addOption(new Option('--role <role>', 'the one role of this person').choices(roles).makeOptionMandatory())
    .requiredOption('--to <dir>', 'folder for identity.crt, fleet-ca.crt and, without --public-key, identity.key')
    .option('--days <days>', `until it expires, at most ${mostDays}`, '90')
    .option('--public-key <file>', 'public key (PEM) that the person made: the private key stays there')
    .addOption(passphraseFile())
    .addOption(rootKeyFile())
    .addHelpText(
      'after',
      '\nExamples:\n  quorate identity issue alice --role approver --public-key alice.pub --to ./alice\n  quorate identity issue bob --role auditor --to ./bob',
    )
    .action(async (name: string, _options, command: Command) => {
      const options = command.optsWithGlobals<IssueOptions>()
      const { state, output, role, to: folder, days: text, publicKey: keyFile } = options
      const days = Number(text)
      if (!Number.isInteger(days) || days < 1 || days > mostDays)
        throw new QuorateError('USAGE', `--days takes a number from 1 to ${mostDays}`)
      const publicKey = keyFile === undefined ? {} : { publicKey: await readText(keyFile) }
      const paths = statePaths(state)
      const root = await rootAccess({ options, terminal, place: await rootKeyPlace(paths), isNeeded: true })
      const issued = await issueIdentity(paths, { name, role, folder, days, root, ...publicKey })
      if (output === 'json') return terminal.out(line(identityIssued, issued))
      const until = new Date(issued.identity.expiresAt).toISOString().slice(0, 10)
      terminal.out(`Wrote ${issued.files.join(', ')}: ${name}, ${role}, until ${until}.\n`)
      if (keyFile === undefined)
        terminal.out(`Give ${folder} to ${name} alone, then delete it: it holds the private key.\n`)
    })

const listCommand = ({ terminal, now }: CliContext) =>
  new Command('list').summary('list identities with role and end').action(async (_options, command: Command) => {
    const { state, output } = command.optsWithGlobals<CommonOptions>()
    const identities = await listIdentities(statePaths(state))
    terminal.out(output === 'json' ? line(identitiesDocument, { identities }) : identitiesText(identities, now()))
  })
