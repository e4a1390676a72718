import { systemClock } from '@quorate/shared/clock'
import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { backends } from '../documents/fleet.js'
import { type BackendsSeen, seeBackends } from '../runs/backends-seen.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { namedClusterFile } from './named-cluster-file.js'
import { backendsText } from './render/backends.js'
import { makeStyle } from './render/style.js'
import { lookingSignal } from './until-stopped.js'

interface Options extends CommonOptions {
  readonly file: string
  readonly watch?: boolean
}

const againMs = 2_000

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('backends')
    .description(
      'Connects through the endpoint from every control plane and identifies each API server by its certificate. Works with any kind of load balancer, ' +
        'before, during and after a conversion. Changes nothing. Exit code 0 when every control plane was reached and no unknown server answered, otherwise 7.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file; - reads standard input')
    .option('--watch', 'repeat every two seconds until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate backends -f cluster.yaml\n  quorate backends -f cluster.yaml --watch      while you add a control plane to your own load balancer\n  quorate backends -f cluster.yaml -o json',
    )
    .action(async (_options, command: Command) => {
      const { watch = false, file: path, state, output } = command.optsWithGlobals<Options>()
      const { terminal, openSession } = context
      const { file } = await namedClusterFile(context, path)
      const session = await openSession(state)
      const { signal, unhook } = lookingSignal(context)
      const style = makeStyle(terminal.coloured)
      let seen: BackendsSeen
      try {
        do {
          seen = await seeBackends(session, file, signal)
          terminal.out(output === 'json' ? line(backends, seen) : backendsText(seen, style))
          // Ctrl-C ends the pause too.
          if (watch) await systemClock.sleep(againMs, signal).catch(() => undefined)
        } while (watch && !signal.aborted)
      } finally {
        unhook()
      }
      if (signal.aborted) finish(exitCode.interrupted)
      else finish(isWhole(seen) ? exitCode.done : exitCode.notHighlyAvailable)
    })

const isWhole = ({ backends, strangers }: BackendsSeen): boolean =>
  backends.every(({ met }) => met > 0) && Object.keys(strangers).length === 0
