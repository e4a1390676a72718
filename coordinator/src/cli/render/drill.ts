import { inWords } from '../../runs/drill/drill-order.js'
import type { DrilledScenario, DrillReport } from '../../runs/drill/drill-report.js'
import type { DrillPlan } from '../../runs/drill/plan-drill.js'
import { printable, type Style } from './style.js'

/** What the drill takes down; shown before it asks. */
export function drillPlanText(
  { cluster, scenarios, downSeconds, restoreAfterSeconds }: DrillPlan,
  style: Style,
): string {
  const lines = scenarios.map(
    ({ title, nodes }, index) => `  ${index + 1}. ${printable(title)}  ${style.faint(`now ${nodes.join(', ')}`)}\n`,
  )
  return `${cluster} is highly available. This drill takes down, one after the other, for ${downSeconds} s each:
${lines.join('')}
Each node restarts its stopped parts on its own after ${restoreAfterSeconds} s, even if this program or the agent is gone.
`
}

/** The report of a drill as text. */
export function drillReportText({ run, verdict, scenarios }: DrillReport): string {
  return `${verdict}\n\nRun ${run}\n${scenarios.map(scenarioText).join('')}`
}

function scenarioText({ title, verdict, stopped, seen, fullHealthSeconds, error }: DrilledScenario): string {
  return [
    `${verdict.padEnd(8)} ${title}`,
    ...stopped.map((what) => `  ${what}`),
    ...seen.map(inWords).map(({ what, saw }) => `  ${what}: ${saw}`),
    ...(fullHealthSeconds === undefined ? [] : [`  every proof held again after ${fullHealthSeconds} s`]),
    ...(error === undefined ? [] : [`  ${error.where}: ${error.message}`, `  next: ${error.remedy}`]),
    '',
  ].join('\n')
}
