import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import { oldAddressFindings } from './old-address.js'

/**
 * Whether anything is left to convert: a control plane to join, or a step with an undo that has something to do. What can be undone is what
 * changes the cluster, and what a backup is made for; on a converted cluster another backup would only grow the state folder.
 */
export async function workRemains(run: ConversionRun): Promise<boolean> {
  if ((await toJoin(run)).length > 0) return true
  const changing = run.order.filter(({ rollback }) => typeof rollback === 'function')
  const plans = await Promise.all(changing.map((step) => step.plan(run)))
  const findings = await oldAddressFindings(run)
  return plans.some((actions) => actions.length > 0) || findings.some(({ severity }) => severity === 'error')
}
