import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { root as rootDocument } from '../documents/fleet.js'
import { day } from '../report/words.js'
import { issuerValidity } from '../state/issuer.js'
import { type StatePaths, statePaths } from '../state/paths.js'
import { protectRoot, type RootKeyPlace, rootKeyPlace } from '../state/root-key.js'
import { readRotation } from '../state/rotation.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { newPassphrase, type PassphraseOptions, passphraseFile } from './passphrase.js'
import { rotatingText } from './render/rotation.js'
import { retireCommand, rotateCommand } from './rotate.js'

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('root')
    .description(
      'The root key makes the issuer, which issues every certificate of the fleet for at most 90 days. Without a passphrase the issuer is renewed by ' +
        'itself, and a copy of the state folder is the whole fleet, for ten years. Under a passphrase, `quorate renew issuer` asks for it.',
    )
    .addCommand(showCommand(context))
    .addCommand(protectCommand(context))
    .addCommand(rotateCommand(context, finish))
    .addCommand(retireCommand(context, finish))

const said: Readonly<Record<RootKeyPlace, (paths: StatePaths) => string>> = {
  'in clear': ({ caKey }) => `${caKey}, without a passphrase`,
  'under a passphrase': ({ sealedCaKey }) => `${sealedCaKey}, under a passphrase`,
  elsewhere: () => 'not in this state folder',
}

const showCommand = ({ terminal }: CliContext) =>
  new Command('show')
    .summary('show where the root key is, and when the issuer ends')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const paths = statePaths(state)
      const [rootKey, issuer] = [await rootKeyPlace(paths), await issuerValidity(paths)]
      const since = (await readRotation(paths))?.startedAt
      if (output === 'json')
        return terminal.out(line(rootDocument, { rootKey, issuerUntil: issuer?.until, rotationSince: since }))
      terminal.out(`root key: ${said[rootKey](paths)}\n`)
      terminal.out(`issuer:   ${issuer === undefined ? 'none yet' : `until ${day(issuer.until)}`}\n`)
      if (since !== undefined) terminal.out(rotatingText(since))
    })

const protectCommand = ({ terminal }: CliContext) =>
  new Command('protect')
    .summary('put the root key under a passphrase')
    .description(
      'Replaces fleet/ca.key by fleet/ca.key.age, which `age --decrypt` opens too. Nothing restores a passphrase that is lost.',
    )
    .addOption(passphraseFile())
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & PassphraseOptions>()
      const paths = statePaths(options.state)
      if ((await rootKeyPlace(paths)) === 'under a passphrase')
        throw new QuorateError('USAGE', 'the root key is under a passphrase already', { where: paths.sealedCaKey })
      const passphrase = await newPassphrase(terminal, options)
      if (passphrase === undefined)
        throw new QuorateError('USAGE', 'no passphrase was given', {
          remedy: 'Type one, or name its file with --passphrase-file.',
        })
      await protectRoot(paths, passphrase)
      terminal.out(
        `The root key is ${paths.sealedCaKey} now. The disk may still hold what ${paths.caKey} was: copies of the state folder, snapshots and backups do.\n`,
      )
    })
