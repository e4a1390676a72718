import { pausesOf } from '../engine/attempts.js'
import type { RunState } from '../engine/fold.js'
import type { ReportedAttempt, ReportedStep, RunReport } from './schema.js'

/** The work of each process on a run, and how it ended; only the last one may still run. */
export const attemptsOf = ({ attempts, outcome }: RunState): readonly ReportedAttempt[] =>
  attempts.map(({ begun, from, to, outcome: end, error, failures }, index) => {
    const runs = outcome === 'running' && index === attempts.length - 1
    return {
      begun,
      outcome: end === 'open' ? (runs ? 'running' : 'abandoned') : end,
      startedAt: from,
      endedAt: to,
      durationMs: to - from,
      ...(error === undefined ? {} : { error }),
      failures,
    }
  })

/** The times between attempts, without work on the run. */
export const pausesIn = ({ attempts }: RunState): RunReport['pauses'] =>
  pausesOf(attempts).map(({ from, to }) => ({ from, to, durationMs: Math.max(0, to - from) }))

/** The work on a step, with the numbers of the attempts. */
export function workOn({ attempts, outcome }: RunState, step: string): ReportedStep['work'] {
  const runs = (index: number) => outcome === 'running' && index === attempts.length - 1
  return attempts.flatMap(({ work }, index) =>
    work
      .filter((one) => one.step === step)
      .map(({ from, to, state }) => ({
        attempt: index + 1,
        from,
        to,
        state: state === 'open' ? (runs(index) ? 'running' : 'interrupted') : state,
      })),
  )
}

/** `failed in attempts 2 and 3`; empty if it never failed, or in a single attempt, where the action shows the failure. */
export function failedBefore({ work }: ReportedStep, { attempts }: RunReport): string {
  const failed = attempts.length < 2 ? [] : work.filter(({ state }) => state === 'failed')
  if (failed.length === 0) return ''
  return `failed in ${failed.length === 1 ? 'attempt' : 'attempts'} ${listed(failed.map(({ attempt }) => String(attempt)))}`
}

/** Why an attempt did not finish: each action that failed, otherwise what stopped it. */
export function reasonsOf({ failures, error, outcome }: ReportedAttempt): readonly string[] {
  const reasons = failures.map(
    ({ step, node, undo, error: { message, code } }) =>
      `${undo ? 'undo of ' : ''}${step} on ${node}: ${inShort(message)} (${code})`,
  )
  if (reasons.length > 0 || outcome === 'done') return reasons
  if (error !== undefined) return [`${inShort(error.message)} (${error.code})`]
  return outcome === 'abandoned' ? ['its process ended without recording an end'] : []
}

/** The first line of a program's output and the line that names an error; the step shows the rest. */
export function inShort(message: string): string {
  const [first = '', ...more] = message.split('\n')
  const named = more.find((line) => /\berror\b/i.test(line))
  const cut = (text: string) => (text.length > 200 ? `${text.slice(0, 199)}\u2026` : text)
  return named === undefined ? cut(first) : `${cut(first)} \u2026 ${cut(named)}`
}

/** `a`, `a and b`, `a, b and c`. */
export const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
