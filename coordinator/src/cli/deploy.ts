import { exitCode, QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import { readClusterFile } from '../config/read-cluster-file.js'
import { agentFiles } from '../deploy/agent-files.js'
import {
  type Deed,
  doOnNodes,
  type FoundNode,
  lookAtNodes,
  machinesOf,
  type NodeEnd,
  wantedOf,
} from '../deploy/deploy.js'
import { openSsh } from '../deploy/ssh.js'
import { line } from '../documents/document.js'
import { deployment } from '../documents/fleet.js'
import type { Session } from '../runs/context/session.js'
import { requireFree } from '../runs/require-free.js'
import { requireOver } from '../runs/require-over.js'
import { hasFleetIn, initState } from '../state/init.js'
import { askFor, requireSomebody } from './approval.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { deployClosing, deployPlanText, nodeEndText } from './render/deploy.js'
import { makeStyle } from './render/style.js'

interface Options extends CommonOptions {
  readonly file: string
  readonly limit?: readonly string[]
  readonly check?: boolean
  readonly dryRun?: boolean
  readonly remove?: boolean
  readonly rollback?: boolean
  readonly askSudoPassword?: boolean
  readonly agent?: readonly string[]
  readonly replaceFleet?: boolean
  readonly yes?: boolean
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('deploy')
    .description(
      'Puts quorate-agent onto every node of the cluster file with the `ssh` of this machine: your keys, jump hosts and known_hosts, as when you type it. ' +
        'Looks first and shows what is on each node and what would change, asks, then works on ten nodes at a time. Each node makes its own key; its certificate comes from your fleet, ' +
        'which is created if there is none. A node counts as done when its agent has answered by mutual TLS with that key; a node that fails gets back what it had, and the others continue. ' +
        'Where nothing differs, nothing is done: run it again after a failure, or to upgrade. Exit code 3: some nodes were not touched; 4: a node failed.',
    )
    .requiredOption('-f, --file <file>', 'cluster file; `ssh: ALIAS` at a node names a Host of your ssh configuration')
    .option('--limit <nodes...>', 'these nodes only')
    .option('--check', 'show what is there and what would change; change nothing')
    .option('--dry-run', 'the same as --check')
    .option('--rollback', 'put back what the nodes had before the last deploy')
    .option(
      '--remove',
      'remove the agent, its identity, unit and state; backups of runs on the nodes go with it (not while a run is unfinished)',
    )
    .option(
      '--ask-sudo-password',
      'ask once for the password of sudo; without a terminal, the first line of standard input',
    )
    .option(
      '--agent <files...>',
      'quorate-agent to install, one file for each architecture; default: beside this program',
    )
    .option('--replace-fleet', 'take over agents of another fleet, such as one whose state folder was lost')
    .option('--yes', 'do not ask for approval')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate deploy -f cluster.yaml\n  quorate deploy -f cluster.yaml --check\n  quorate deploy -f cluster.yaml --limit k8sworker1.example.com --yes\n' +
        '  quorate deploy -f cluster.yaml --rollback\n  quorate deploy -f cluster.yaml --remove\n\n' +
        'A node is reached at its address. For another user, port or jump host, write a Host into ~/.ssh/config and name it:\n' +
        '  - {name: k8smaster2.example.com, address: 192.168.13.31, ssh: k8smaster2}\n' +
        'Your user is root there, or becomes root by sudo: without a password, or with --ask-sudo-password.\n',
    )
    .action(async (_options, command: Command) => finish(await deploy(context, command.optsWithGlobals<Options>())))

async function deploy(context: CliContext, options: Options): Promise<number> {
  const { terminal } = context
  const deed = deedOf(options)
  const { file } = await readClusterFile(options.file)
  const nodes = machinesOf(file, options.limit ?? [])
  const isCheck = options.check === true || options.dryRun === true
  const agents = deed === 'deploy' ? await agentFiles(options.agent ?? [], process.execPath) : []
  const session = (await hasFleetIn(options.state)) ? await context.openSession(options.state) : undefined
  if (!isCheck && session !== undefined) {
    await requireFree(session, file.name)
    if (deed === 'remove') await requireOver(session, file.name, '--remove')
  }
  const password = options.askSudoPassword === true ? await sudoPassword(context) : undefined
  const ssh = await openSsh()
  try {
    const wanted = await wantedOf(session, { agents, replaceFleet: options.replaceFleet === true })
    const found = await lookAtNodes(nodes, { deed, ssh, password, wanted })
    if (options.output === 'text') terminal.out(deployPlanText(found, makeStyle(terminal.coloured)))
    const todo = found.filter(({ does }) => does !== 'nothing' && does !== 'blocked')
    if (isCheck || todo.length === 0) return close(context, { found, ends: [], options })
    await approve(context, { deed, todo, options })
    const ends = await doOnNodes(todo, {
      session: session ?? (await makeFleet(context, options)),
      cluster: file.name,
      ...reporting(context, options),
    })
    return close(context, { found, ends, options })
  } finally {
    await ssh.close()
  }
}

function deedOf({ remove, rollback }: Options): Deed {
  if (remove && rollback) throw new QuorateError('USAGE', '--remove and --rollback exclude each other')
  return remove ? 'remove' : rollback ? 'rollback' : 'deploy'
}

/** On the terminal, or the first line of standard input. Never from an argument or the environment, which others can read. */
async function sudoPassword({ terminal, input }: CliContext): Promise<string> {
  if (terminal.canAsk) return terminal.askSecret('Password for sudo on the nodes: ')
  let text = ''
  for await (const chunk of input()) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.includes('\n')) break
  }
  const [password = ''] = text.split(/\r?\n/)
  if (password !== '') return password
  throw new QuorateError('USAGE', '--ask-sudo-password: there is no terminal, and standard input is empty', {
    remedy: 'Run it on a terminal, or send the password as the first line of standard input together with --yes.',
  })
}

async function makeFleet(context: CliContext, { state, output }: Options): Promise<Session> {
  const { folder, fleetId, backupIdentity } = await initState(state)
  if (output === 'text')
    context.terminal.out(
      `Created the state folder ${folder} with the fleet ${fleetId}. Keep a copy of ${backupIdentity} elsewhere: only this key decrypts the backups of your clusters.\n` +
        '`quorate root protect` puts the root key under a passphrase.\n',
    )
  return context.openSession(state)
}

interface Approval {
  readonly deed: Deed
  readonly todo: readonly FoundNode[]
  readonly options: Options
}

async function approve({ terminal }: CliContext, { deed, todo, options }: Approval): Promise<void> {
  if (options.yes === true) return
  requireSomebody(terminal, 'Use --yes.')
  const question = {
    deploy: `Install on ${todo.length} of these nodes now?`,
    rollback: `Put back what ${todo.length} of these nodes had before?`,
    remove: `Remove the agent from ${todo.length} of these nodes, with its keys, its ledger and the backups of runs that it keeps?`,
  }[deed]
  await askFor(terminal, `\n${question}`, { what: `quorate deploy: ${deed}`, where: options.file })
}

function reporting({ terminal }: CliContext, { output }: Options) {
  const style = makeStyle(terminal.coloured)
  const out = (text: string) => (output === 'text' ? terminal.out(text) : undefined)
  return {
    progress: (node: string, what: string) => out(`${style.faint(`${node}: ${what}`)}\n`),
    ended: (end: NodeEnd) => out(nodeEndText(end, style)),
  }
}

interface Closing {
  readonly found: readonly FoundNode[]
  readonly ends: readonly NodeEnd[]
  readonly options: Options
}

function close({ terminal }: CliContext, { found, ends, options }: Closing): number {
  if (options.output === 'json') terminal.out(line(deployment, { nodes: found.map((one) => asDocument(one, ends)) }))
  else terminal.out(deployClosing({ found, ends, removed: options.remove === true }, options.file))
  const failed = ends.filter(({ problem }) => problem !== undefined)
  if (failed.some(({ problem }) => problem?.exitCode !== exitCode.blocked)) return exitCode.stepFailed
  return failed.length > 0 || found.some(({ does }) => does === 'blocked') ? exitCode.blocked : exitCode.done
}

function asDocument({ node, now, does, changes, problem: blocked }: FoundNode, ends: readonly NodeEnd[]) {
  const end = ends.find(({ node: name }) => name === node.name)
  const problem = blocked ?? end?.problem
  return {
    ...{ name: node.name, ssh: node.ssh ?? node.address, now, does, changes: [...changes] },
    state: end?.state ?? ('planned' as const),
    ...(end === undefined ? {} : { bytes: end.bytes, seconds: Math.round(end.seconds * 10) / 10 }),
    ...(problem === undefined
      ? {}
      : { problem: { code: problem.code, message: problem.message, remedy: problem.remedy } }),
  }
}
