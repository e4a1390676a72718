import { type Clock, systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import { commands } from './commands.js'
import type { Command, Host } from './host.js'
import { readUnit, type UnitProperties } from './unit-state.js'

export interface UnitRun {
  readonly host: Host
  readonly operationId: string
  /** For an operation with several units: `[a-z0-9-]`. */
  readonly label?: string
  readonly command: Command
  /** For a program that prints a secret: its standard output is discarded, so that the journal cannot hold it. */
  readonly quiet?: boolean
  /** Called once for each line of the unit's journal. */
  readonly onLine?: (line: string) => void
  /** Aborting stops the following, never the unit. */
  readonly signal: AbortSignal
  /** Receives the function that unloads the unit, for callers that must do so later; without it the unit is unloaded at once. */
  readonly onceRecorded?: (unload: () => Promise<void>) => void
  /** How long it is followed; by default the command's own timeout. Milliseconds. */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

export interface UnitResult {
  /** 128 and more: killed by a signal. */
  readonly exitCode: number
  /** All lines of the unit's journal. */
  readonly output: string
  /** Unix milliseconds, whole seconds. */
  readonly startedAtUnixMs: number
}

const firstPauseMs = 100
const longestPauseMs = 1000

/** Name of the unit that runs a command of an operation. */
export function unitName(operationId: string, label?: string): string {
  return `quorate-${operationId}${label === undefined ? '' : `-${label}`}.service`
}

/**
 * Runs a command as a transient systemd unit and follows it to its end. The unit is a child of PID 1: it outlives this
 * agent and runs outside of its sandbox. A loaded unit of that name is followed, never started again. After its
 * end it is unloaded. Throws COMMAND_FAILED if systemd refuses to start it, GATE_TIMEOUT if it does not end in time (it
 * then still runs), OPERATION_UNKNOWN_OUTCOME if it vanishes before its end was seen.
 */
export async function runAsUnit(run: UnitRun): Promise<UnitResult> {
  const unit = unitName(run.operationId, run.label)
  await startUnlessLoaded(run, unit)
  const journal = followJournal(run, unit)
  const end = await untilEnded(run, unit, journal.read)
  const output = await journal.settle(end.activeState === 'failed')
  const tidy = () => unload(run.host, unit, end)
  if (run.onceRecorded === undefined) await tidy()
  else run.onceRecorded(tidy)
  return { exitCode: exitCodeOf(end), output, startedAtUnixMs: end.execMainStartUnixMs }
}

async function startUnlessLoaded({ host, command, quiet, signal }: UnitRun, unit: string): Promise<void> {
  const isLoaded = async (): Promise<boolean> => (await readUnit(host, unit, signal)).loadState === 'loaded'
  if (await isLoaded()) return
  // Without the signal: once asked, the answer must be known.
  const started = await host.run(commands.startTransientUnit(unit, command, quiet ? 'errors-only' : 'journal'))
  if (started.exitCode === 0 || (await isLoaded())) return
  throw new QuorateError(
    'COMMAND_FAILED',
    `systemd-run did not start ${unit} (${started.exitCode}): ${started.stderr.trim()}`,
  )
}

async function untilEnded(run: UnitRun, unit: string, readJournal: () => Promise<void>): Promise<UnitProperties> {
  const clock = run.clock ?? systemClock
  const timeoutMs = run.timeoutMs ?? run.command.timeoutMs
  const deadline = clock.now() + timeoutMs
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const seen = await readUnit(run.host, unit, run.signal)
    if (seen.loadState !== 'loaded') {
      throw new QuorateError(
        'OPERATION_UNKNOWN_OUTCOME',
        `${unit} vanished before its end was seen (${seen.loadState})`,
      )
    }
    if (hasEnded(seen)) return seen
    await readJournal()
    if (clock.now() >= deadline) {
      throw new QuorateError('GATE_TIMEOUT', `${unit} has not ended within ${timeoutMs / 1000} s; it still runs`, {
        remedy: `On that node: \`journalctl --unit=${unit}\` shows what it waits for.`,
      })
    }
    await clock.sleep(pause, run.signal)
  }
}

/** RemainAfterExit keeps a success as active/exited; a failure stays failed until reset-failed. A queued start is inactive/dead without a main process. */
function hasEnded({ activeState, subState, execMainStartUnixMs }: UnitProperties): boolean {
  if (activeState === 'failed') return true
  if (activeState === 'active') return subState === 'exited'
  return activeState === 'inactive' && execMainStartUnixMs > 0
}

function exitCodeOf({ result, execMainStatus }: UnitProperties): number {
  if (result === 'success') return 0
  if (result === 'exit-code') return execMainStatus
  if (result === 'signal' || result === 'core-dump') return 128 + execMainStatus
  return execMainStatus === 0 ? 1 : execMainStatus
}

/** State of a transient unit; `exitCode` is 0 while it runs or if there is none. */
export interface UnitLook {
  readonly state: 'not-found' | 'running' | 'succeeded' | 'failed'
  readonly exitCode: number
}

/** Reads a unit's state once. A missing unit was never started, was unloaded, or went with a reboot. */
export async function lookAtUnit(host: Host, unit: string, signal?: AbortSignal): Promise<UnitLook> {
  const seen = await readUnit(host, unit, signal)
  if (seen.loadState !== 'loaded') return { state: 'not-found', exitCode: 0 }
  if (!hasEnded(seen)) return { state: 'running', exitCode: 0 }
  const exitCode = exitCodeOf(seen)
  return { state: exitCode === 0 ? 'succeeded' : 'failed', exitCode }
}

/** Unloads a unit that has ended and is still loaded because its follower is gone. */
export async function unloadIfEnded(host: Host, unit: string): Promise<void> {
  const seen = await readUnit(host, unit)
  if (seen.loadState === 'loaded' && hasEnded(seen)) await unload(host, unit, seen)
}

interface Journal {
  /** Passes on new lines. */
  read(): Promise<void>
  /** All lines. After a failure it reads until nothing new arrives: journald may lag behind the unit's end, and the reason is in the last lines. */
  settle(failed: boolean): Promise<string>
}

function followJournal({ host, onLine, signal, clock = systemClock }: UnitRun, unit: string): Journal {
  let told = 0
  let text = ''
  const read = async (complete = false): Promise<void> => {
    const answer = await host.run(commands.unitJournal(unit), signal)
    // The journal is only informative: a node without one still has the exit status.
    if (answer.exitCode !== 0) return
    text = answer.stdout.startsWith('-- No entries --') ? '' : answer.stdout
    const lines = text.split('\n')
    const known = complete && lines.at(-1) !== '' ? lines.length : lines.length - 1
    for (; told < known; told++) {
      const line = lines[told] ?? ''
      if (!isAboutUnit(line, unit)) onLine?.(line)
    }
  }
  const settle = async (failed: boolean): Promise<string> => {
    await read(true)
    for (let before = -1; failed && before !== text.length; ) {
      before = text.length
      await clock.sleep(firstPauseMs, signal)
      await read(true)
    }
    return text
  }
  return { read, settle }
}

/** systemd's own messages about the unit (`Starting quorate-...`) are not useful. */
const isAboutUnit = (line: string, unit: string): boolean => /^[A-Z]\w+ /.test(line) && line.includes(unit)

/** `stop` unloads what succeeded (RemainAfterExit keeps it), `reset-failed` what failed; each fails in the other's case. */
async function unload(host: Host, unit: string, { activeState }: UnitProperties): Promise<void> {
  await host.run(activeState === 'failed' ? commands.resetFailedUnit(unit) : commands.stopUnit(unit))
}
