import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { backups as backupsDocument, restored } from '../documents/fleet.js'
import { plural } from '../report/words.js'
import type { Session } from '../runs/context/session.js'
import { keptHashes } from '../runs/kept-hashes.js'
import type { BackupKind } from '../state/backups.js'
import { pruneCommand } from './backup-prune.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { backupsText, type ListedBackup, type VerifiedBackup } from './render/backups.js'

export const makeCommand: CommandMaker = (context) =>
  new Command('backup')
    .description(
      'Every conversion backs up an etcd snapshot and every file it touches to the state folder. The key in its backup/identity.age.key decrypts them.',
    )
    .addCommand(listCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(restoreCommand(context))
    .addCommand(pruneCommand(context))

const listCommand = ({ terminal, openSession }: CliContext) =>
  new Command('list').summary('list backups with size and hash').action(async (_options, command: Command) => {
    const { state, output } = command.optsWithGlobals<CommonOptions>()
    const backups = await listed(await openSession(state))
    terminal.out(output === 'json' ? line(backupsDocument, { backups }) : backupsText(backups))
  })

const verifyCommand = ({ terminal, openSession }: CliContext) =>
  new Command('verify')
    .summary('decrypt each backup and compare every hash; writes nothing')
    .argument('[run]', 'run ID; default: all runs')
    .action(async (run: string | undefined, _options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const session = await openSession(state)
      const wanted = run === undefined ? undefined : parseRunId(run)
      const backups = (await listed(session)).filter((one) => wanted === undefined || one.run === wanted)
      const verified: VerifiedBackup[] = []
      for (const one of backups) verified.push(await verifyOne(session, one))
      terminal.out(output === 'json' ? line(backupsDocument, { backups: verified }) : backupsText(verified))
      const bad = verified.filter(({ sound }) => !sound)
      if (backups.length === 0)
        throw new QuorateError('USAGE', `there is no backup${run === undefined ? '' : ` of run ${run}`} to verify`, {
          remedy: 'Each conversion makes its own backups; list them with `quorate backup list`.',
        })
      if (bad.length > 0)
        throw new QuorateError('BACKUP_DAMAGED', `${bad.length} of ${plural(verified.length, 'backup')} damaged`, {
          where: bad.map(({ path }) => path).join(', '),
        })
    })

const restoreCommand = ({ terminal, openSession }: CliContext) =>
  new Command('restore')
    .summary('decrypt a backup into an empty folder on this machine, never onto a node')
    .argument('<run>', 'run ID')
    .argument('<node>', 'node name')
    .argument('<kind>', 'etcd or files')
    .requiredOption('--to <dir>', 'an empty folder; the restored files hold secrets')
    .addHelpText(
      'after',
      '\nExample:\n  quorate backup restore 20261122t221530-ab12cd k8smaster1.example.com etcd --to /root/restored\n  docs/runbook.md#etcd shows how to use it.',
    )
    .action(async (run: string, node: string, kind: string, _options, command: Command) => {
      const { state, output, to } = command.optsWithGlobals<CommonOptions & { to: string }>()
      if (kind !== 'etcd' && kind !== 'files')
        throw new QuorateError('USAGE', `not a kind of backup: ${kind}`, { remedy: 'Use `etcd` or `files`.' })
      const { backups } = await openSession(state)
      const written = await backups.restore(await backups.find(parseRunId(run), node, kind as BackupKind), to)
      terminal.out(output === 'json' ? line(restored, { written }) : written.map((path) => `${path}\n`).join(''))
    })

async function listed(session: Session): Promise<readonly ListedBackup[]> {
  const [backups, hashes] = [await session.backups.list(), await keptHashes(session)]
  return backups.map((one) => {
    const journalSha256 = hashes.get(`${one.run}/${one.node}-${one.kind}.age`)
    return journalSha256 === undefined ? one : { ...one, journalSha256 }
  })
}

async function verifyOne(session: Session, backup: ListedBackup): Promise<VerifiedBackup> {
  try {
    const { sha256, plainBytes, files } = await session.backups.verify(backup)
    const { journalSha256 } = backup
    if (journalSha256 !== undefined && journalSha256 !== sha256)
      return { ...backup, sound: false, said: `sha256 is ${sha256}, the journal says ${journalSha256}` }
    const what =
      backup.kind === 'etcd'
        ? "a snapshot with etcd's own hash"
        : `${plural(files, 'file or object', 'files and objects')} with hashes`
    const known = journalSha256 === undefined ? '; the journal does not mention it' : ', as in the journal'
    return { ...backup, sound: true, said: `sound: ${what}, ${plainBytes} bytes; sha256 ${sha256}${known}` }
  } catch (error) {
    return { ...backup, sound: false, said: error instanceof Error ? error.message : String(error) }
  }
}
