import { QuorateError } from '@quorate/shared/errors'
import { read as readDocument } from '../documents/document.js'
import { drillPlan, fixPlan, plan, rollbackPlan } from '../documents/plan.js'
import type { Approvable } from '../runs/approvals/judge.js'
import { drillHash, planHash, rollbackHash } from '../runs/approvals/plan-hash.js'
import type { DrillPlan } from '../runs/drill/plan-drill.js'
import type { Plan } from '../runs/plan.js'
import type { RollbackPlan } from '../runs/rollback.js'
import { drillPlanText } from './render/drill.js'
import { planText } from './render/plan.js'
import { rollbackText } from './render/rollback.js'
import type { Style } from './render/style.js'

interface Read {
  readonly plan: Approvable
  readonly text: string
}

/** Which plan a document has, computed from what it says: a hash that belongs to another plan is not signed. */
const kinds: Readonly<Record<string, (value: unknown, style: Style) => Read>> = {
  [plan.type]: (value, style) => conversion('convert', readDocument(plan, value), style),
  [fixPlan.type]: (value, style) => conversion('fix', readDocument(fixPlan, value).plan, style),
  [rollbackPlan.type](value, style) {
    const read = readDocument(rollbackPlan, value) as RollbackPlan
    return {
      plan: { cluster: read.cluster, kind: 'rollback', planHash: rollbackHash(read) },
      text: rollbackText(read, style),
    }
  },
  [drillPlan.type](value, style) {
    const read = readDocument(drillPlan, value) as unknown as DrillPlan
    return {
      plan: { cluster: read.cluster, kind: 'drill', planHash: drillHash(read) },
      text: drillPlanText(read, style),
    }
  },
}

function conversion(kind: 'convert' | 'fix', decoded: unknown, style: Style): Read {
  const read = decoded as Plan
  const hash = planHash(read)
  return { plan: { cluster: read.cluster, kind, planHash: hash }, text: planText({ ...read, hash }, style) }
}

/** The plan of a JSON document as `-o json` and REST write it; USAGE for any other text. */
export function readPlanDocument(text: string, where: string, style: Style): Read {
  let value: Record<string, unknown>
  try {
    const { type, apiVersion: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    value = rest
    const read = kinds[String(type)]
    if (read !== undefined) return read(value, style)
  } catch (cause) {
    throw new QuorateError('USAGE', 'the plan cannot be read', { where, cause, remedy })
  }
  throw new QuorateError('USAGE', 'this document is not a plan', { where, remedy })
}

const remedy = '`quorate plan -f cluster.yaml -o json > plan.json` writes one.'
