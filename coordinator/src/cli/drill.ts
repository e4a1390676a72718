import { exitCode, QuorateError } from '@quorate/shared/errors'
import { Command, InvalidArgumentError } from 'commander'
import { line } from '../documents/document.js'
import { drillPlan } from '../documents/plan.js'
import { drillReport as drillReportDocument } from '../documents/run.js'
import { readRun } from '../runs/context/read-runs.js'
import { drillReport } from '../runs/drill/drill-report.js'
import { type DrillRequest, drillTimes, optionsOf, planDrill, requireDrillable } from '../runs/drill/plan-drill.js'
import { startDrill } from '../runs/drill/start-drill.js'
import { askFor, requireSomebody } from './approval.js'
import { starter } from './caller.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { exitCodeOf } from './exit-code.js'
import { namedClusterFile } from './named-cluster-file.js'
import { neededText } from './render/approvals.js'
import { drillPlanText, drillReportText } from './render/drill.js'
import { makeStyle, printable } from './render/style.js'
import { verificationText } from './render/verification.js'
import { runLive } from './run-live.js'

/** What a drill does, as options. */
export interface DrillOptions {
  readonly only?: readonly string[]
  readonly coldStart?: boolean
  readonly downFor: number
  readonly restoreAfter: number
  readonly abrupt?: boolean
}

interface Options extends CommonOptions, DrillOptions {
  readonly file: string
  readonly yes?: boolean
  readonly iKnowThisTakesPartsDown?: boolean
}

const seconds =
  ({ least, most }: { readonly least: number; readonly most: number }) =>
  (text: string): number => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`Use ${least} to ${most} seconds.`)
  }

const { downSeconds, restoreAfterSeconds } = drillTimes

/** The options of a drill, for the command that runs it and for its approval. */
export const drillOptions = (command: Command): Command =>
  command
    .option(
      '--only <scenarios>',
      'comma-separated: api-server, etcd-leader, load-balancer, control-plane, cold-start',
      (text) => text.split(','),
    )
    .option('--cold-start', 'finally stop all control planes at once: the cluster is down meanwhile')
    .option('--down-for <seconds>', 'how long each part stays down', seconds(downSeconds), downSeconds.usual)
    .option(
      '--restore-after <seconds>',
      'when the node restarts the part on its own',
      seconds(restoreAfterSeconds),
      restoreAfterSeconds.usual,
    )
    .option('--abrupt', 'stop each part abruptly, as in a fault; users notice more')

export const makeCommand: CommandMaker = (context, finish) =>
  drillOptions(
    new Command('drill')
      .description(
        'Shows what it takes down, asks for approval, and takes down one part after the other: handed over and stopped as for maintenance (--abrupt: as in ' +
          'a fault). It restarts each part and verifies every proof before the next one. It refuses to start unless `quorate verify` passes. ' +
          'Each node restarts its stopped parts on its own after --restore-after, even if the coordinator is gone.',
      )
      .requiredOption('-f, --file <cluster.yaml>', 'the cluster file; - reads standard input'),
  )
    .option('--yes', 'do not ask for approval; requires --i-know-this-takes-parts-down')
    .option('--i-know-this-takes-parts-down', 'confirm that the drill takes parts down')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate drill -f cluster.yaml\n  quorate drill -f cluster.yaml --only load-balancer --down-for 30',
    )
    .action(async (_options, command: Command) => {
      finish(await drill(context, command.optsWithGlobals<Options>()))
    })

async function drill(context: CliContext, options: Options): Promise<number> {
  const { terminal, onStop } = context
  const { file: path, output, state, yes = false } = options
  requireConsent(context, options)
  const { file, text } = await namedClusterFile(context, path)
  const request = drillRequest(options, { file, fileText: text })
  const session = await context.openSession(state)
  const stop = new AbortController()
  const unhook = onStop(() => stop.abort())
  const plan = await planDrill(session, request, stop.signal).finally(unhook)
  if (stop.signal.aborted) return exitCode.interrupted
  const style = makeStyle(terminal.coloured)
  if (output === 'json') terminal.out(line(drillPlan, plan))
  if (!plan.verification.highlyAvailable) {
    if (output === 'text') terminal.out(verificationText(plan.verification, style))
    terminal.err('Nothing was stopped: a drill requires a highly available cluster.\n')
    return exitCode.notHighlyAvailable
  }
  const by = { of: path, options: optionsOf(request) }
  if (output === 'text') terminal.out(drillPlanText(plan, style) + neededText(plan, 'drill', by))
  if (!yes)
    await askFor(terminal, `Take these down on ${plan.cluster} now?`, { what: 'the drill', where: plan.cluster })
  const ended = await runLive(context, session, {
    output,
    start: (onEvent) => startDrill(session, { ...request, planHash: plan.hash, by: starter(session.person), onEvent }),
  })
  const report = drillReport(await readRun(session, ended.id))
  terminal.out(output === 'json' ? line(drillReportDocument, report) : `\n${printable(drillReportText(report))}`)
  return exitCodeOf(ended)
}

/** What these options request of a cluster; USAGE where that cannot be. */
export function drillRequest(
  { only, coldStart = false, downFor, restoreAfter, abrupt = false }: DrillOptions,
  about: Pick<DrillRequest, 'file' | 'fileText'>,
): DrillRequest {
  const request: DrillRequest = {
    ...{ ...about, coldStart, downSeconds: downFor, restoreAfterSeconds: restoreAfter, abrupt },
    ...(only === undefined ? {} : { only }),
  }
  requireDrillable(request)
  return request
}

/** A script that answers yes to everything must not take a cluster apart: --yes alone is not enough. */
function requireConsent({ terminal }: CliContext, options: Options): void {
  const { yes = false, iKnowThisTakesPartsDown = false } = options
  if (yes && !iKnowThisTakesPartsDown)
    throw new QuorateError('USAGE', '--yes alone is not enough for a drill', {
      remedy: 'Add --i-know-this-takes-parts-down, or omit --yes and answer the prompt.',
    })
  if (!yes) requireSomebody(terminal, 'Use --yes --i-know-this-takes-parts-down.')
}
