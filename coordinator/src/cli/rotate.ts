import { QuorateError } from '@quorate/shared/errors'
import { Command } from 'commander'
import type { RecordedEvent } from '../engine/events.js'
import type { Session, StartedRun } from '../runs/context/session.js'
import {
  planRetirement,
  planRotation,
  type RotationPlan,
  type RotationRequest,
  rotationSoFar,
  startRetirement,
  startRotation,
  startUndo,
} from '../runs/rotation/rotate.js'
import { statePaths } from '../state/paths.js'
import { listIdentities } from '../state/person-identities.js'
import { readRoot, rootKeyPlace } from '../state/root-key.js'
import type { RotationKeys } from '../state/rotation.js'
import { askFor, requireSomebody } from './approval.js'
import { caller } from './caller.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { exitCodeOf } from './exit-code.js'
import { newPassphrase, passphraseFile, type RootKeyOptions, rootAccess, rootKeyFile } from './passphrase.js'
import { endingText, rotationPlanText } from './render/rotation.js'
import { runLive } from './run-live.js'

interface Options extends CommonOptions, RootKeyOptions {
  readonly yes?: boolean
  readonly undo?: boolean
  readonly newPassphraseFile?: string
}

export const rotateCommand: CommandMaker = (context, finish) =>
  new Command('rotate')
    .summary('let another root take over, or undo that')
    .description(
      'Makes the next root, has every node trust both, and gives the coordinator and every node certificates below the next one; each is proved over a new connection. ' +
        'No agent restarts. Every node has to answer; a rotation that stopped goes on with the same command, without a passphrase. Until `quorate root retire` both roots ' +
        'count, and --undo brings back the root of before.',
    )
    .option('--yes', 'do not ask for approval')
    .option('--undo', 'bring back the root of before')
    .addOption(passphraseFile())
    .addOption(rootKeyFile())
    .option('--new-passphrase-file <file>', 'file with the passphrase of the next root key')
    .addHelpText('after', '\nExamples:\n  quorate root rotate\n  quorate root rotate --undo\n  quorate root retire')
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      finish(await (options.undo === true ? undo(context, options) : rotate(context, options)))
    })

export const retireCommand: CommandMaker = (context, finish) =>
  new Command('retire')
    .summary('give up the root of before: the end of a rotation')
    .description(
      'Every node, and the coordinator, trusts the next root alone from then on; the keys of the root of before are removed. It cannot be undone. Nothing is given up anywhere ' +
        'unless every node proves itself below the next root. Users with certificates below the root of before are listed: issue theirs again first.',
    )
    .option('--yes', 'do not ask for approval')
    .action(async (_options, command: Command) => {
      finish(await retire(context, command.optsWithGlobals<Options>()))
    })

async function rotate(context: CliContext, options: Options): Promise<number> {
  const session = await prepared(context, options)
  const plan = await planRotation(session)
  await requireYes(context, { plan, options, question: 'Rotate the root of the fleet now?' })
  if (plan.steps.every(({ actions }) => actions.length === 0)) return 0
  const keys = plan.since === undefined ? await keysOf(context, options) : { present: {} }
  const before = await rotationSoFar(session)
  const ended = await live(context, { session, options, before }, (request) =>
    startRotation(session, { ...request, keys }),
  )
  if (ended === 0 && options.output === 'text')
    context.terminal.out('Both roots count now. To give up the root of before: quorate root retire\n')
  return ended
}

async function undo(context: CliContext, options: Options): Promise<number> {
  const session = await prepared(context, options)
  await requireYes(context, { options, question: 'Bring back the root of before now?' })
  const before = await rotationSoFar(session)
  return live(context, { session, options, before }, (request) => startUndo(session, request))
}

async function retire(context: CliContext, options: Options): Promise<number> {
  const session = await prepared(context, options)
  const plan = await planRetirement(session)
  const identities = await listIdentities(statePaths(options.state))
  const ending = identities.filter(
    ({ root = plan.givesWay, expiresAt }) => root === plan.givesWay && expiresAt > context.now(),
  )
  if (options.output === 'text') context.terminal.out(endingText(ending))
  await requireYes(context, { plan, options, question: 'Give up the root of before now? It cannot be undone.' })
  return live(context, { session, options, before: [] }, (request) => startRetirement(session, request))
}

function prepared({ terminal, openSession }: CliContext, { state, yes = false }: Options): Promise<Session> {
  if (!yes) requireSomebody(terminal, 'Use --yes.')
  return openSession(state)
}

interface Asked {
  readonly plan?: RotationPlan
  readonly options: Options
  readonly question: string
}

async function requireYes({ terminal }: CliContext, { plan, options, question }: Asked): Promise<void> {
  if (plan !== undefined && options.output === 'text') terminal.out(rotationPlanText(plan))
  if (plan?.steps.every(({ actions }) => actions.length === 0)) return
  if (options.yes !== true) await askFor(terminal, question, { what: 'the change of the root', where: options.state })
}

/** The root key of today signs the next root; the next one is put under a passphrase where that one is. */
async function keysOf({ terminal }: CliContext, options: Options): Promise<RotationKeys> {
  const paths = statePaths(options.state)
  const place = await rootKeyPlace(paths)
  const present = await rootAccess({ options, terminal, place, isNeeded: true })
  // Before anything is asked or started: a wrong passphrase is told at once.
  await readRoot(paths, present)
  const { newPassphraseFile: path } = options
  const passphrase = await newPassphrase(terminal, path === undefined ? {} : { passphraseFile: path })
  if (passphrase === undefined && place !== 'in clear')
    throw new QuorateError('USAGE', 'the next root key needs a passphrase too: that of today has one', {
      remedy: 'Type one, or name its file with --new-passphrase-file.',
    })
  return { present, passphrase }
}

interface Live {
  readonly session: Session
  readonly options: Options
  /** Events that the journal holds already. */
  readonly before: readonly RecordedEvent[]
}

async function live(
  context: CliContext,
  { session, options, before }: Live,
  start: (request: RotationRequest) => Promise<StartedRun>,
): Promise<number> {
  const goesOnBy = 'quorate root show'
  const startedBy = caller().who
  return exitCodeOf(
    await runLive(context, session, {
      output: options.output,
      before,
      goesOnBy,
      start: (onEvent) => start({ startedBy, onEvent }),
    }),
  )
}
