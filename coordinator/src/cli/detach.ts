import { exitCode, QuorateError } from '@quorate/shared/errors'
import { Option } from 'commander'
import type { CliContext, CommonOptions, DetachedCommand } from './context.js'

/** For each command that starts a run or goes on with one. */
export const detachOption = (): Option =>
  new Option('--detach', 'run in the background: print how to follow and stop the run, then exit')

export interface DetachOptions extends CommonOptions {
  /** The command line, with everything that was approved in it: nobody is there to answer a question. */
  readonly args: readonly string[]
}

/** Starts the command line in the background; ends with 0 once its run has begun, else as the command itself ended. */
export async function detach(context: CliContext, { args, state, output }: DetachOptions): Promise<number> {
  const { terminal } = context
  const command = context.detach([...args, '--state', state, '--output', output], state)
  let stopped = false
  // Until the run has begun it ends with the process that started it: after Ctrl-C no run may begin unseen.
  const unhook = context.onStop(() => {
    stopped = true
    command.stop()
  })
  try {
    const run = await Promise.race([command.begun, command.ended.then(() => undefined)])
    if (run === undefined || stopped) return await asItEnded(context, command)
    command.leave()
    terminal.out(output === 'json' ? asJson(run, command) : followText(context, { run, state, command }))
    return exitCode.done
  } finally {
    unhook()
  }
}

/** What it said and its exit code, as if it had never been another process. */
async function asItEnded({ terminal }: CliContext, command: DetachedCommand): Promise<number> {
  const ended = await command.ended
  command.forget()
  if (ended.said === '' && ended.exitCode !== exitCode.done)
    throw new QuorateError('INTERRUPTED', 'the process in the background was stopped before its run began', {
      remedy: 'Nothing was changed. Run the command again.',
    })
  const write = ended.exitCode === exitCode.done ? terminal.out : terminal.err
  write(ended.said)
  return ended.exitCode
}

const asJson = (run: string, { pid, log }: DetachedCommand): string =>
  `${JSON.stringify({ type: 'detached', run, pid, log })}\n`

interface Begun {
  readonly run: string
  readonly state: string
  readonly command: DetachedCommand
}

function followText({ defaultState }: CliContext, { run, state, command: { pid, log } }: Begun): string {
  const where = state === defaultState ? '' : ` --state ${state}`
  return `Run ${run} continues in the background, process ${pid}. You can close this terminal.
  follow it:  quorate watch ${run}${where}
  stop it:    kill ${pid}
              It stops at a safe place; \`quorate status ${run}${where}\` names the next command.
  its log:    ${log}
`
}
