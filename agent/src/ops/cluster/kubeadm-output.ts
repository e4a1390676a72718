import { QuorateError } from '@quorate/shared/errors'
import { redact } from '@quorate/shared/redact'

const shownLines = 15

/** A progress line of kubeadm: `[etcd] Waiting for the new etcd member to join the cluster`. */
export const isPhaseLine = (line: string): boolean => /^\[[a-z][a-z0-9-]*\] /.test(line)

/** The last non-empty lines, without secrets. */
export function lastLines(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  return redact(lines.slice(-shownLines).join('\n'))
}

/** The error for a kubeadm with a non-zero exit code. */
export const kubeadmFailed = (what: string, exitCode: number, output: string): QuorateError =>
  new QuorateError('COMMAND_FAILED', `${what} ended with exit code ${exitCode}:\n${lastLines(output)}`)

export interface PreflightFindings {
  /** `Port-10250: Port 10250 is in use`. */
  readonly errors: string[]
  readonly warnings: string[]
}

/**
 * Findings of kubeadm's preflight, by the marks of its error type (kubeadm app/preflight, Error.Error): `[ERROR Name]: text` and
 * `[WARNING Name]: text`. Any other failure (no discovery, no controlPlaneEndpoint) is one error with the last lines.
 */
export function preflightFindings(output: string, exitCode: number): PreflightFindings {
  const marked = (level: string): string[] =>
    [...output.matchAll(new RegExp(`\\[${level} ([^\\]\\s]+)\\]:? ?(.*)`, 'g'))].map(([, name, text = '']) =>
      redact(`${name}: ${text.trim()}`),
    )
  const [errors, warnings] = [marked('ERROR'), marked('WARNING')]
  if (exitCode !== 0 && errors.length === 0) errors.push(`kubeadm: ${lastLines(output)}`)
  return { errors: [...new Set(errors)], warnings: [...new Set(warnings)] }
}
