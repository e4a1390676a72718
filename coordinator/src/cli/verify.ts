import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { readClusterFile } from '../config/read-cluster-file.js'
import { verifyCluster } from '../runs/verify.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { fix } from './fix.js'
import { makeStyle } from './render/style.js'
import { verificationText } from './render/verification.js'
import { untilStopped } from './until-stopped.js'

interface Options extends CommonOptions {
  readonly file: string
  readonly fix?: boolean
  readonly yes?: boolean
}

export const verifyCommand: CommandMaker = (context, finish) =>
  new Command('verify')
    .summary('is the cluster highly available now?')
    .description(
      'Makes every proof again on the live cluster and changes nothing; any time, any cluster. Exit code 0 when all hold, 7 when not.\n' +
        'With --fix it shows for each finding which step of the order mends it, as a plan with its diffs, asks, and does exactly those steps: a run\n' +
        'with a journal, which `quorate resume` and `quorate rollback` know. What no step mends it says, and does not touch: then it ends with 7.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file')
    .option('--fix', 'offer the steps that mend what was found')
    .option('--yes', 'do not ask; with --fix')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate verify -f cluster.yaml\n  quorate verify -f cluster.yaml -o json\n  quorate verify -f cluster.yaml --fix          a node was rebuilt with the old address, a name is lost from a certificate',
    )
    .action(async (_options, command: Command) => {
      const { fix: mend = false, yes = false, file: path, state, output } = command.optsWithGlobals<Options>()
      const { file, text: fileText } = await readClusterFile(path)
      finish(
        mend
          ? await fix(context, { state, output, yes, file, fileText })
          : await verify(context, { state, output, file }),
      )
    })

async function verify(
  context: CliContext,
  { state, output, file }: CommonOptions & { readonly file: Parameters<typeof verifyCluster>[1] },
): Promise<number> {
  const { terminal, openSession } = context
  const session = await openSession(state)
  const verification = await untilStopped(context, (signal) => verifyCluster(session, file, signal))
  if (verification === undefined) return exitCode.interrupted
  terminal.out(
    output === 'json'
      ? `${JSON.stringify(verification)}\n`
      : verificationText(verification, makeStyle(terminal.coloured)),
  )
  return verification.highlyAvailable ? exitCode.done : exitCode.notHighlyAvailable
}
