import { beforeJoining } from './before-joining.js'
import type { Failure } from './failure.js'
import { ofEtcd } from './of-etcd.js'
import { ofLoadBalancers } from './of-load-balancers.js'
import { ofNodes } from './of-nodes.js'
import { ofSurroundings } from './of-surroundings.js'

/** Every known failure of such a conversion, by number. The one place that says which check or which explanation is about which; a check or proof that is about none says itself why it is made (`beside`). */
export const allFailures: readonly Failure[] = [
  ...beforeJoining,
  ...ofEtcd,
  ...ofNodes,
  ...ofLoadBalancers,
  ...ofSurroundings,
]

/** Numbers of the failures that an explanation is about. */
export const failuresOf = (explanation: string): readonly string[] =>
  allFailures.filter(({ recognised }) => recognised?.includes(explanation)).map(({ number }) => number)

/** Numbers of the failures that a check or proof sees before they happen. */
export const failuresSeenBy = (check: string): readonly string[] =>
  allFailures.filter(({ checks }) => checks?.includes(check)).map(({ number }) => number)
