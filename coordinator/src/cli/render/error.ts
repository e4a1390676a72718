import type { QuorateError } from '@quorate/shared/errors'
import { line } from '../../documents/document.js'
import { failure } from '../../documents/fleet.js'
import { printable, type Style } from './style.js'

/** What happened, where, why, and what to do next. */
export function errorText(error: QuorateError, style: Style): string {
  const lines = [`${style.bad('error:')} ${printable(error.message)}`]
  if (error.where !== undefined) lines.push(`  where: ${printable(error.where)}`)
  lines.push(`  next:  ${printable(error.remedy)}`)
  lines.push(
    style.faint(
      `  code:  ${error.code}${error.correlationId === undefined ? '' : ` (correlation id ${error.correlationId})`}`,
    ),
  )
  return `${lines.join('\n')}\n`
}

export function errorJson(error: QuorateError): string {
  const { code, message, where, remedy, correlationId, exitCode } = error
  return line(failure, { error: { code, message, where, remedy, correlationId, exitCode } })
}
