import { QuorateError } from '@quorate/shared/errors'
import { Command, CommanderError, Option } from 'commander'
import { backendsCommand } from './backends.js'
import { backupCommand } from './backup.js'
import type { CliContext, CommandMaker } from './context.js'
import { convertCommand } from './convert.js'
import { drillCommand } from './drill.js'
import { enrollCommand } from './enroll.js'
import { explainCommand } from './explain.js'
import { initCommand } from './init.js'
import { nodesCommand } from './nodes.js'
import { planCommand } from './plan.js'
import { reportCommand } from './report.js'
import { resumeCommand } from './resume.js'
import { rollbackCommand } from './rollback.js'
import { serveCommand } from './serve.js'
import { statusCommand } from './status.js'
import { verifyCommand } from './verify.js'
import { watchCommand } from './watch.js'

const commands: readonly CommandMaker[] = [
  initCommand,
  enrollCommand,
  nodesCommand,
  planCommand,
  convertCommand,
  resumeCommand,
  rollbackCommand,
  statusCommand,
  watchCommand,
  verifyCommand,
  backendsCommand,
  drillCommand,
  reportCommand,
  backupCommand,
  explainCommand,
  serveCommand,
]

const after = `
The usual way:
  quorate init                                                       once, on your machine
  quorate enroll k8smaster1 --address 192.168.13.30 --bundle ./k8smaster1   once a node; carry the folder to its /etc/quorate
  quorate nodes                                                      is everybody there?
  quorate plan -f cluster.yaml                                       what would be done; changes nothing
  quorate convert -f cluster.yaml                                    does it, after asking
  quorate convert -f cluster.yaml --detach                           the same in the background: closing the terminal does not stop it
  quorate watch RUN                                                  follows a run, its exit code is the run's
  quorate verify -f cluster.yaml                                     is it highly available now?
  quorate verify -f cluster.yaml --fix                               it is not any more: what mends it? Does it, after asking
  quorate backends -f cluster.yaml --watch                           whom does the load balancer lead to?
  quorate drill -f cluster.yaml                                      takes parts down, after asking; what do users notice?
After a crash, a failure or Ctrl-C:
  quorate resume RUN                                                 goes on from there
  quorate rollback RUN                                               undoes it
  journalctl -u kubelet | quorate explain                            what a log of kubeadm, etcd, kubelet, haproxy means

Exit codes: 0 done, 1 a defect of ours, 2 wrong usage or input, 3 blocked by findings (nothing was changed), 4 a step failed (the
cluster works), 5 the cluster needs a person now, 6 another run holds the cluster, 7 not highly available, 130 interrupted,
or its output was closed before its end (| head); a run goes on then, and \`quorate status\` tells how it ended.`

export function makeProgram(context: CliContext, finish: (exitCode: number) => void): Command {
  const program = new Command('quorate')
  program
    .description('Turns a running kubeadm cluster with one control plane into a highly available one, in place.')
    .version(context.version, '-V, --version')
    .option('--state <dir>', 'state folder: fleet CA, runs, backups', context.defaultState)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText('after', after)
  for (const make of commands) program.addCommand(make(context, finish))
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands: own }) => own)]) {
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({ writeOut: (text) => context.terminal.out(text), writeErr: () => undefined })
  }
  return program
}

/** `help convert` is `convert --help`, `help` is `--help`; of what is no command there is none. */
function asHelp({ commands: known }: Command, args: readonly string[]): readonly string[] {
  const [first, second, ...rest] = args
  if (first !== 'help') return args
  if (second === undefined) return ['--help']
  return known.some((command) => command.name() === second) ? [second, ...rest, '--help'] : [second]
}

/** Runs a command line (without the program's own name); answers its exit code. Throws QuorateError, USAGE for what commander refuses. */
export async function runProgram(context: CliContext, args: readonly string[]): Promise<number> {
  let code = 0
  const program = makeProgram(context, (exitCode) => {
    code = exitCode
  })
  try {
    await program.parseAsync(asHelp(program, args), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    const named = program.commands.find((command) => command.name() === args.find((arg) => !arg.startsWith('-')))
    const help = named === undefined ? 'quorate --help' : `quorate ${named.name()} --help`
    if (error.code === 'commander.help') {
      context.terminal.err(program.helpInformation())
      throw new QuorateError('USAGE', 'no command was given', { remedy: `See \`${help}\`.` })
    }
    throw new QuorateError('USAGE', error.message.replace(/^error: /, ''), { remedy: `See \`${help}\`.` })
  }
  return code
}
