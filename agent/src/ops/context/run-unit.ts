import { QuorateError } from '@quorate/shared/errors'
import type { Command } from '../../host/host.js'
import { runAsUnit } from '../../host/transient-unit.js'
import type { ChangeContext } from './operation.js'

/** Starts, reloads or stops a service through PID 1; COMMAND_FAILED with its output. */
export async function runUnitCommand(context: ChangeContext, label: string, command: Command): Promise<void> {
  const line = [command.file, ...command.args].join(' ')
  context.progress(line)
  const { exitCode, output } = await runAsUnit({
    host: context.tools.host,
    operationId: context.header.operationId,
    label,
    command,
    onLine: (text) => context.progress(text),
    signal: context.signal,
    onceRecorded: context.onceRecorded,
  })
  if (exitCode === 0) return
  const unit = command.args.at(-1) ?? ''
  throw new QuorateError('COMMAND_FAILED', `${line} ended with ${exitCode}: ${lastLines(output)}`, {
    remedy: `On that node: \`systemctl status ${unit}\` and \`journalctl --unit=${unit}\` say why.`,
  })
}

/** The end of a program's output, which has the reason. */
export const lastLines = (text: string): string => text.trim().split('\n').slice(-8).join('\n')
