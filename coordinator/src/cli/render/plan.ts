import type { Assessed } from '../../conversion/assess.js'
import type { Plan } from '../../conversion/session.js'
import type { PlannedStep } from '../../engine/plan.js'
import type { Action } from '../../engine/step.js'
import { duration } from './duration.js'
import { printable, type Style } from './style.js'

/** A plan for a person: findings with remedies, the ordered steps with their diffs, what cannot be undone, how long, the hash. */
export function planText(plan: Plan, style: Style): string {
  const parts = [findingsText(plan.findings, style)]
  if (plan.steps.length > 0) {
    parts.push(style.strong(`The plan for ${plan.cluster}\n`))
    parts.push(plan.steps.map((step, index) => stepText(step, `${index + 1}`.padStart(2), style)).join(''))
  }
  if (plan.noWayBack.length > 0) {
    parts.push(
      `\n${style.strong('Without a way back')}\n${plan.noWayBack.map((sentence) => `  ${printable(sentence)}\n`).join('')}`,
    )
  }
  parts.push(`\n${closing(plan, style)}`)
  return parts.join('')
}

function closing(plan: Plan, style: Style): string {
  if (plan.blocked) return `${style.bad('Blocked:')} mend the errors above; nothing was changed.\n`
  const actions = plan.steps.reduce((sum, step) => sum + step.actions.length, 0)
  return `${actions} ${actions === 1 ? 'action' : 'actions'} in about ${duration(plan.estimateSeconds * 1000)}. Nothing was changed yet.\nPlan hash ${plan.hash}\n`
}

/** Findings, the worst first. */
export function findingsText(findings: readonly Assessed[], style: Style): string {
  if (findings.length === 0) return ''
  const word = { error: style.bad('error  '), warning: style.warn('warning'), info: style.faint('info   ') }
  const lines = findings.flatMap((finding) => [
    `  ${finding.ignoredBecause === undefined ? word[finding.severity] : style.faint('ignored')} ${finding.id}${finding.node === undefined ? '' : ` on ${finding.node}`}`,
    `          ${printable(finding.message)}`,
    ...(finding.evidence === '' ? [] : [style.faint(`          seen: ${printable(finding.evidence)}`)]),
    finding.ignoredBecause === undefined
      ? `          next: ${printable(finding.remedy)}`
      : `          ignored because: ${printable(finding.ignoredBecause)}`,
  ])
  return `${style.strong('Findings')}\n${lines.join('\n')}\n\n`
}

function stepText(step: PlannedStep, number: string, style: Style): string {
  if (step.problem !== undefined)
    return `${number}. ${step.title} ${style.warn(`(cannot be planned yet: ${printable(step.problem)})`)}\n`
  if (step.actions.length === 0) return style.faint(`${number}. ${step.title}: already so\n`)
  return `${number}. ${step.title} ${style.faint(`(${step.id})`)}\n${step.actions.map((action) => actionText(action, style)).join('')}`
}

function actionText(action: Action, style: Style): string {
  const diffs = action.diffs.map(({ name, text }) =>
    text === '' ? `        ${printable(name)}\n` : diffText(text, style),
  )
  return `      ${action.node}: ${printable(action.does)}\n${diffs.join('')}`
}

function diffText(text: string, style: Style): string {
  const paint = (line: string) => {
    if (line.startsWith('+++') || line.startsWith('---')) return style.strong(line)
    if (line.startsWith('+')) return style.added(line)
    if (line.startsWith('-')) return style.removed(line)
    return style.faint(line)
  }
  const lines = printable(text).trimEnd().split('\n')
  return lines.map((line) => `        ${paint(line)}\n`).join('')
}
