import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { verification as verificationDocument } from '../documents/plan.js'
import { verifyCluster } from '../runs/verify.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { fix } from './fix.js'
import { namedClusterFile } from './named-cluster-file.js'
import { makeStyle } from './render/style.js'
import { verificationText } from './render/verification.js'
import { untilStopped } from './until-stopped.js'

interface Options extends CommonOptions {
  readonly file: string
  readonly fix?: boolean
  readonly yes?: boolean
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('verify')
    .description(
      'Verifies every proof on the live cluster and changes nothing; at any time, on any cluster. Exit code 0 when all hold, otherwise 7. ' +
        'With --fix it shows which steps fix which findings, as a plan with diffs, asks for approval, and runs exactly those steps: a run with a journal ' +
        'for `quorate resume` and `quorate rollback`. It reports findings that no step fixes, does not touch them, and exits with 7.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file; - reads standard input')
    .option('--fix', 'offer the steps that fix the findings')
    .option('--yes', 'with --fix: do not ask for approval')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate verify -f cluster.yaml\n  quorate verify -f cluster.yaml -o json\n  quorate verify -f cluster.yaml --fix          for example after a node was rebuilt with the old address, or a certificate lost a name',
    )
    .action(async (_options, command: Command) => {
      const { fix: isFix = false, yes = false, file: path, state, output } = command.optsWithGlobals<Options>()
      const { file, text: fileText } = await namedClusterFile(context, path)
      finish(
        isFix
          ? await fix(context, { state, output, yes, file, fileText, path })
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
      ? line(verificationDocument, verification)
      : verificationText(verification, makeStyle(terminal.coloured)),
  )
  return verification.highlyAvailable ? exitCode.done : exitCode.notHighlyAvailable
}
