import type { ErrorDetail } from '@quorate/shared/gen/quorate/v1/operation'

/** One line of the ledger. `summary` is for readers; the result itself is OperationResult in base64. */
export type LedgerLine = { readonly at: string } & (
  | {
      readonly kind: 'fence'
      readonly cluster: string
      readonly token: number
      /** Pin of the cluster's CA; absent where the node was in no cluster, and in lines of earlier releases. */
      readonly ca?: string
    }
  | {
      readonly kind: 'intent'
      readonly id: string
      readonly run: string
      readonly method: string
      readonly payload: string
      /** base64; absent if it was too large. */
      readonly request?: string
    }
  | { readonly kind: 'result'; readonly id: string; readonly summary: string; readonly result: string }
  | { readonly kind: 'error'; readonly id: string; readonly error: ErrorDetail }
  /** Runs whose operations were removed by rotation: the ledger remembers that they are over. */
  | { readonly kind: 'forgotten'; readonly runs: readonly string[] }
)

export type FenceLine = Extract<LedgerLine, { kind: 'fence' }>

/** A cluster as one coordinator names it. */
export const fenceKey = ({ cluster, ca = '' }: Pick<FenceLine, 'cluster' | 'ca'>): string => `${cluster} ${ca}`

export type Unstamped<Line> = Line extends unknown ? Omit<Line, 'at'> : never

/** Runs with all their records, newest first in the order of arrival on this node: the clock may have been set back. */
const runsKept = 8
/** Older runs are years old. */
const mostForgotten = 1000

interface Kept {
  readonly lines: readonly LedgerLine[]
  /** Runs that are not in them any more. */
  readonly forgotten: readonly string[]
}

/**
 * What the ledger must keep: the highest fence of each cluster, all records of the newest runs, and every operation without an end,
 * with its run's other records. Older runs without open operations are dropped, and marked as such.
 */
export function compact(lines: readonly LedgerLine[]): Kept {
  const intents = lines.filter((line) => line.kind === 'intent')
  const ended = new Set(lines.flatMap((line) => (line.kind === 'result' || line.kind === 'error' ? [line.id] : [])))
  const runOf = new Map(intents.map(({ id, run }) => [id, run]))
  const byAge = [...new Set(intents.map(({ run }) => run).reverse())]
  const open = intents.filter(({ id }) => !ended.has(id)).map(({ run }) => run)
  const kept = new Set([...byAge.slice(0, runsKept), ...open])
  const before = lines.flatMap((line) => (line.kind === 'forgotten' ? line.runs : []))
  const forgotten = [...new Set([...byAge.filter((run) => !kept.has(run)), ...before])].slice(0, mostForgotten)
  const fences = new Map(
    lines.flatMap((line) => (line.kind === 'fence' ? [[fenceKey(line), line.token] as const] : [])),
  )
  const stays = (line: LedgerLine): boolean => {
    if (line.kind === 'fence') return fences.get(fenceKey(line)) === line.token
    if (line.kind === 'forgotten') return false
    return kept.has(runOf.get(line.id) ?? '')
  }
  return { lines: lines.filter(stays), forgotten }
}
