import type { Assessed } from '../../conversion/checks/assess.js'
import type { PlannedStep } from '../../engine/plan.js'
import type { Action, Diff } from '../../engine/step.js'
import type { Plan } from '../../runs/plan.js'
import { duration } from './duration.js'
import { printable, type Style } from './style.js'

/** Longer lines of a diff (a certificate in base64) are cut: they are not readable. */
const longestDiffLine = 160

/**
 * A plan as text: findings with remedies, the ordered steps with their diffs, the points of no return, the estimated time, the hash.
 * With --yes it has no diffs: the log lists the actions, `quorate plan` shows the rest.
 */
export function planText(plan: Plan, style: Style, { diffs = true }: { readonly diffs?: boolean } = {}): string {
  const parts = [findingsText(plan.findings, style)]
  if (plan.choices.length > 0) {
    const sentences = plan.choices.map((sentence) => `  ${printable(sentence)}\n`).join('')
    parts.push(`${style.strong('Chosen')}\n${sentences}\n`)
  }
  if (plan.steps.length > 0) {
    parts.push(style.strong(`The plan for ${plan.cluster}\n`))
    const shown = diffs ? { style, diffOf: diffOnce(style) } : { style, diffOf: () => '' }
    parts.push(plan.steps.map((step, index) => stepText(step, `${index + 1}`.padStart(2), shown)).join(''))
  }
  if (plan.noWayBack.length > 0) {
    parts.push(
      `\n${style.strong('Point of no return')}\n${plan.noWayBack.map((sentence) => `  ${printable(sentence)}\n`).join('')}`,
    )
  }
  if (plan.elsewhere.length > 0) {
    const sentences = plan.elsewhere.map((sentence) => `  ${printable(sentence)}\n`).join('')
    parts.push(`\n${style.strong('Afterwards, elsewhere')}\n${sentences}`)
  }
  if (plan.missing.length > 0) {
    const names = plan.missing.map(({ node }) => `  ${node}\n`).join('')
    parts.push(
      `\n${style.strong('Missing workers')}\n${names}  Each is converted when it returns. Until then it stays unchanged and \`quorate verify\` fails (exit 7).\n`,
    )
  }
  parts.push(`\n${closing(plan, style)}`)
  return parts.join('')
}

function closing(plan: Plan, style: Style): string {
  if (plan.blocked) return `${style.bad('Blocked:')} fix the errors above. Nothing was changed.\n`
  const actions = plan.steps.reduce((sum, step) => sum + step.actions.length, 0)
  return `${actions} ${actions === 1 ? 'action' : 'actions'} in about ${duration(plan.estimateSeconds * 1000)}. Nothing was changed yet.\nPlan hash ${plan.hash}\n`
}

/** Findings, worst first. */
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

interface Shown {
  readonly style: Style
  readonly diffOf: (action: Action, diff: Diff) => string
}

function stepText(step: PlannedStep, number: string, shown: Shown): string {
  const { style } = shown
  if (step.problem !== undefined)
    return `${number}. ${step.title} ${style.warn(`(cannot be planned yet: ${printable(step.problem)})`)}\n`
  if (step.actions.length === 0) return style.faint(`${number}. ${step.title}: no change needed\n`)
  return `${number}. ${step.title} ${style.faint(`(${step.id})`)}\n${step.actions.map((action) => actionText(action, shown)).join('')}`
}

function actionText(action: Action, { diffOf }: Shown): string {
  return `      ${action.node}: ${printable(action.does)}\n${action.diffs.map((diff) => diffOf(action, diff)).join('')}`
}

/** A diff that repeats on many nodes is shown for the first of them. */
function diffOnce(style: Style): Shown['diffOf'] {
  const first = new Map<string, string>()
  return (action, { name, text }) => {
    if (text === '') return `        ${printable(name)}\n`
    const changes = text.slice(text.indexOf('\n@@'))
    const seenOn = first.get(changes)
    if (seenOn !== undefined) return style.faint(`        ${printable(name)}: the same change as on ${seenOn}\n`)
    first.set(changes, action.node)
    return diffText(text, style)
  }
}

function diffText(text: string, style: Style): string {
  const paint = (line: string) => {
    if (line.startsWith('+++') || line.startsWith('---')) return style.strong(line)
    if (line.startsWith('+')) return style.added(line)
    if (line.startsWith('-')) return style.removed(line)
    return style.faint(line)
  }
  const cut = (line: string) => (line.length > longestDiffLine ? `${line.slice(0, longestDiffLine)}...` : line)
  const lines = printable(text).trimEnd().split('\n').map(cut)
  return lines.map((line) => `        ${paint(line)}\n`).join('')
}
