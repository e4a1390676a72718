import { Command } from 'commander'
import { approvals as approvalsDocument } from '../documents/approvals.js'
import { line } from '../documents/document.js'
import { currentApprovals, giveApproval } from '../runs/approvals/give.js'
import { parseSignedApproval } from '../state/approvals.js'
import type { CliContext, CommandMaker, CommonOptions } from './context.js'
import { approvalsText } from './render/approvals.js'
import { readText } from './text-file.js'

export const makeCommand: CommandMaker = (context) =>
  new Command('approvals')
    .description(
      'Where the cluster file says `policy.approvals: N`, a run starts when N approvers have signed its plan. Each approval is for one run and expires.',
    )
    .addCommand(listCommand(context))
    .addCommand(addCommand(context))

const listCommand = ({ terminal, openSession }: CliContext) =>
  new Command('list')
    .summary('list approvals that hold now and that no run has used')
    .action(async (_options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const approvals = await currentApprovals(await openSession(state))
      terminal.out(output === 'json' ? line(approvalsDocument, { approvals }) : approvalsText(approvals))
    })

const addCommand = ({ terminal, openSession }: CliContext) =>
  new Command('add')
    .summary('add an approval that an approver signed on another machine')
    .argument('<file>', 'what `quorate approve --plan` printed there')
    .action(async (file: string, _options, command: Command) => {
      const { state, output } = command.optsWithGlobals<CommonOptions>()
      const signed = parseSignedApproval(await readText(file), file)
      const approval = await giveApproval(await openSession(state), signed)
      terminal.out(output === 'json' ? line(approvalsDocument, { approvals: [approval] }) : approvalsText([approval]))
    })
