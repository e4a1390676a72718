import { exitCode, QuorateError } from '@quorate/shared/errors'
import { Option } from 'commander'
import { line } from '../documents/document.js'
import { detached } from '../documents/fleet.js'
import type { CliContext, CommonOptions, DetachedCommand } from './context.js'
import { standardInput } from './named-cluster-file.js'

/** For each command that starts or continues a run. */
export const detachOption = (): Option =>
  new Option('--detach', 'run in the background: print how to follow and stop the run, then exit')

export interface DetachOptions extends CommonOptions {
  /** The command line, with every approval in it: a background process cannot ask. */
  readonly args: readonly string[]
}

/** Starts the command line in the background. Returns 0 once its run has started, otherwise the command's own exit code. */
export async function detach(context: CliContext, { args, state, output }: DetachOptions): Promise<number> {
  const { terminal } = context
  if (args.includes(standardInput))
    throw new QuorateError(
      'USAGE',
      '--detach cannot read standard input: the background process reads the cluster file itself',
      {
        remedy: 'Nothing was changed. Write the cluster file to disk and name it with -f.',
      },
    )
  const command = context.detach([...args, '--state', state, '--output', output], state)
  let stopped = false
  // Until its run has started it ends with this process: no run may start unseen after Ctrl-C.
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

/** Its output and exit code, as if it had run in this process. */
async function asItEnded({ terminal }: CliContext, command: DetachedCommand): Promise<number> {
  const ended = await command.ended
  command.forget()
  if (ended.said === '' && ended.exitCode !== exitCode.done)
    throw new QuorateError('INTERRUPTED', 'the background process was stopped before its run began', {
      remedy: 'Nothing was changed. Run the command again.',
    })
  const write = ended.exitCode === exitCode.done ? terminal.out : terminal.err
  write(ended.said)
  return ended.exitCode
}

const asJson = (run: string, { pid, log }: DetachedCommand): string => line(detached, { run, pid, log })

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
