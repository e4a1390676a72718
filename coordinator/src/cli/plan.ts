import { exitCode } from '@quorate/shared/errors'
import { Command } from 'commander'
import { line } from '../documents/document.js'
import { plan as planDocument } from '../documents/plan.js'
import { planConversion } from '../runs/plan.js'
import type { CommandMaker, CommonOptions } from './context.js'
import { namedClusterFile } from './named-cluster-file.js'
import { nextText } from './render/approvals.js'
import { planText } from './render/plan.js'
import { makeStyle } from './render/style.js'

interface Options extends CommonOptions {
  readonly file: string
}

export const makeCommand: CommandMaker = (context, finish) =>
  new Command('plan')
    .description(
      'Reads the facts of every node and shows the findings with their remedies, the ordered steps with a diff of every file and ConfigMap that they ' +
        'would change, the estimated time, the points of no return, and a hash to approve the plan by. Changes nothing. Exit code 3 when findings block it.',
    )
    .requiredOption('-f, --file <cluster.yaml>', 'the cluster file; - reads standard input')
    .addHelpText('after', '\nExamples:\n  quorate plan -f cluster.yaml\n  quorate plan -f cluster.yaml -o json')
    .action(async (_options, command: Command) => {
      const { terminal, openSession } = context
      const { state, output, file: path } = command.optsWithGlobals<Options>()
      const { file } = await namedClusterFile(context, path)
      const plan = await planConversion(await openSession(state), file)
      terminal.out(
        output === 'json'
          ? line(planDocument, plan)
          : planText(plan, makeStyle(terminal.coloured)) + nextText(plan, path),
      )
      if (plan.blocked) finish(exitCode.blocked)
    })
