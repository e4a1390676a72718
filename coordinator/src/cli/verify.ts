import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { readClusterFile } from '../config/read-cluster-file.js'
import { verifyCluster } from '../conversion/session.js'
import type { CommonOptions } from './context.js'
import type { CommandMaker } from './program.js'
import { makeStyle } from './render/style.js'
import { verificationText } from './render/verification.js'

interface Options extends CommonOptions {
  readonly file: string
}

export const verifyCommand: CommandMaker = ({ terminal, openSession, onStop }, finish) =>
  new Command('verify')
    .summary('is the cluster highly available now?')
    .description(
      'Makes every proof again on the live cluster and changes nothing; any time, any cluster. Exit code 0 when all hold, 7 when not.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file')
    .addHelpText('after', '\nExamples:\n  quorate verify -f cluster.yaml\n  quorate verify -f cluster.yaml -o json')
    .action(async (_options, command: Command) => {
      const { state, output, file: path } = command.optsWithGlobals<Options>()
      const { file } = await readClusterFile(path)
      const stop = new AbortController()
      const unhook = onStop(() => stop.abort())
      const verification = await verifyCluster(await openSession(state), file, stop.signal).finally(unhook)
      if (stop.signal.aborted) return finish(exitCode.interrupted)
      terminal.out(
        output === 'json'
          ? `${JSON.stringify(verification)}\n`
          : verificationText(verification, makeStyle(terminal.coloured)),
      )
      if (!verification.highlyAvailable) finish(exitCode.notHighlyAvailable)
    })
