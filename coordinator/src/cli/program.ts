import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { Command, CommanderError, Help, Option } from 'commander'
import { actingAs, identityOption, rolesText } from './acting-as.js'
import { commandsOf, nameOf } from './command-name.js'
import { type ListedCommand, listedCommands, nameOfListed } from './commands.js'
import type { CliContext, CommonOptions } from './context.js'
import type { RecordedAct } from './recorded-act.js'
import { shown } from './render/style.js'
import type { Terminal } from './terminal.js'

const after = `
Typical workflow:
  quorate discover --kubeconfig ~/.kube/config > cluster.yaml        drafts the cluster file; answer the questions in it
  quorate deploy -f cluster.yaml                                     puts the agent onto every node by ssh; upgrades it the same way
  quorate nodes                                                      checks that every agent answers
  quorate plan -f cluster.yaml                                       shows what would be done; changes nothing
  quorate convert -f cluster.yaml                                    converts, after asking
  quorate convert -f cluster.yaml --detach                           the same in the background: closing the terminal does not stop it
  quorate watch RUN                                                  follows a run; exits with its exit code
  quorate verify -f cluster.yaml                                     checks that the cluster is highly available now
  quorate verify -f cluster.yaml --fix                               shows which steps fix what is wrong; runs them after asking
  quorate backends -f cluster.yaml --watch                           shows which control planes the load balancer reaches
  quorate drill -f cluster.yaml                                      takes parts down, after asking; measures what users notice
  quorate upgrade-check                                              with a new release: whether it can take over; changes nothing
  quorate revoke k8sworker3.example.com                              for a stolen key or a machine that left: every agent refuses its keys
  quorate audit list                                                 shows who did what; \`quorate audit verify\` whether it was changed since
After a crash, a failure or Ctrl-C:
  quorate resume RUN                                                 continues the run
  quorate rollback RUN                                               undoes the run
  journalctl -u kubelet | quorate explain                            explains a log of kubeadm, etcd, kubelet, haproxy

Exit codes: 0 done, 1 a bug in Quorate, 2 wrong usage or input, 3 blocked by findings (nothing was changed), 4 a step failed (the
cluster works), 5 the cluster needs manual action now, 6 another run holds the cluster, 7 not highly available, 130 interrupted, or the
output was closed early (| head); a run continues then, and \`quorate status\` shows how it ended.`

/** The one way out to a terminal: all text is cleaned of foreign control characters, where a caller forgot it too. JSON stays exact. */
function cleaned(terminal: Terminal, isJson: () => boolean): Terminal {
  const clean = (text: string): string => (isJson() ? text : shown(text))
  return {
    ...terminal,
    size: () => terminal.size(),
    out: (text) => terminal.out(clean(text)),
    err: (text) => terminal.err(clean(text)),
    ask: (question) => terminal.ask(shown(question)),
  }
}

interface Wish {
  /** Commands to make whole; of the others only what `quorate --help` says of them. Default: all. */
  readonly asked?: readonly string[]
}

/** The command tree; each command passes its exit code to `finish`. */
export async function makeProgram(
  context: CliContext,
  finish: (exitCode: number) => void,
  { asked }: Wish = {},
): Promise<Command> {
  const make = async (listed: ListedCommand): Promise<Command> => {
    const [name, [, does, file]] = [nameOfListed(listed), listed]
    if (asked?.includes(name) === false) return new Command(name).summary(does)
    const { makeCommand } = await file()
    return makeCommand(context, finish).summary(does)
  }
  const program = new Command('quorate')
  program
    .description('Turns a running kubeadm cluster with one control plane into a highly available one, in place.')
    .version(context.version, '-V, --version')
    .option('--state <dir>', 'state folder: fleet CA, runs, backups', context.defaultState)
    .addOption(identityOption())
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', after)
  for (const command of await Promise.all(listedCommands.map(make))) program.addCommand(command)
  for (const command of commandsOf(program)) command.addHelpText('after', () => rolesHelp(command))
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands: own }) => own)]) {
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .configureHelp({ showGlobalOptions: true, subcommandTerm })
      .configureOutput({ writeOut: (text) => context.terminal.out(text), writeErr: () => undefined })
  }
  return program
}

const usages = new Map(listedCommands.map((listed) => [nameOfListed(listed), listed[0]]))

/** Of a command of the program what is listed, since it may not have been made; of a group's own what commander says. */
const subcommandTerm = (command: Command): string =>
  (command.parent?.parent === null ? usages.get(command.name()) : undefined) ?? new Help().subcommandTerm(command)

const rolesHelp = (command: Command): string => {
  const what = nameOf(command)
  const more = what === 'verify' ? ` ${rolesText('verify --fix')}` : ''
  return `\n${rolesText(what)}${more}`
}

/** `help convert` means `convert --help`, `help` means `--help`; an unknown command has no help. */
function asHelp({ commands: known }: Command, args: readonly string[]): readonly string[] {
  const [first, second, ...rest] = args
  if (first !== 'help') return args
  if (second === undefined) return ['--help']
  return known.some((command) => command.name() === second) ? [second, ...rest, '--help'] : [second]
}

/** Runs a command line (without the program's own name); returns its exit code. Throws QuorateError, USAGE for what commander refuses. */
export async function runProgram(context: CliContext, args: readonly string[]): Promise<number> {
  let code = 0
  let isJson = false
  let act: RecordedAct | undefined
  const terminal = cleaned(context.terminal, () => isJson)
  // What is recorded is recorded with the state folder's own keys.
  const own = { ...context, terminal }
  const acting = actingAs(own)
  const finish = (exitCode: number) => {
    code = exitCode
  }
  const program = await makeProgram(acting.context, finish, { asked: args })
  program.hook('preAction', async (_program, command) => {
    isJson = command.optsWithGlobals<CommonOptions>().output === 'json'
    const { beginAct } = await import('./recorded-act.js')
    act = await beginAct(own, command, await acting.person(command))
  })
  try {
    await program.parseAsync(asHelp(program, args), { from: 'user' })
    await act?.ended(`exit code ${code}`)
  } catch (error) {
    await act?.ended(asQuorateError(error).code)
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    const named = program.commands.find((command) => command.name() === args.find((arg) => !arg.startsWith('-')))
    const help = named === undefined ? 'quorate --help' : `quorate ${named.name()} --help`
    if (error.code === 'commander.help') {
      terminal.err(program.helpInformation())
      throw new QuorateError('USAGE', 'a command is required', { remedy: `See \`${help}\`.` })
    }
    throw new QuorateError('USAGE', error.message.replace(/^error: /, ''), { remedy: `See \`${help}\`.` })
  }
  return code
}
