import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { type LoadBalancerProgram, packagePlaces, placeOf } from '@quorate/shared/load-balancer-place'
import { unitOf } from './unit-of.js'

/** Whether the operator's own haproxy or keepalived runs or will at the next boot: by the package's service, or by an unknown one. */
export function operatorRuns(facts: NodeFacts, program: LoadBalancerProgram): boolean {
  const { unit } = packagePlaces[program]
  if (placeOf(program, facts.loadBalancerConfigs).unit === unit) return false
  const seen = unitOf(facts, unit)
  return seen === undefined || seen.activeState === 'active' || seen.unitFileState.startsWith('enabled')
}

/** One line of the operator's own configuration. */
export interface ConfigLine {
  readonly path: string
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** Lines of the operator's own configuration of haproxy and keepalived, without comments. */
export const linesOf = ({ foreignLoadBalancerConfigs: configs }: NodeFacts): readonly ConfigLine[] =>
  Object.entries(configs).flatMap(([path, text]) =>
    text
      .split('\n')
      .map((line, index) => ({ path, number: index + 1, text: line.replace(/(^|\s)[#!].*$/, '').trim() })),
  )

/** `/etc/haproxy/haproxy.cfg: bind *:8443 (line 12)`. */
export const quoted = ({ path, number, text }: ConfigLine): string => `${path}: ${text} (line ${number})`

/** A port, or the first and last of several, on an address; `''`: on every one. */
export interface Bound {
  readonly address: string
  readonly from: number
  readonly to: number
}

/** Where a `bind` line of haproxy listens (configuration manual, bind): several addresses, ranges of ports and families; sockets of a file are none. */
export function boundBy(line: string): readonly Bound[] {
  const words = /^bind\s+(\S+)/.exec(line)?.[1] ?? /^(?:listen|frontend)\s+\S+\s+(\S*:\d\S*)/.exec(line)?.[1] ?? ''
  return words.split(',').flatMap((word) => {
    const match = /^(?:ipv[46]@)?(.*):(\d+)(?:-(\d+))?$/.exec(word)
    if (match === null) return []
    const [, address = '', from = '', to = from] = match
    const isEvery = ['', '*', '0.0.0.0', '::', '[::]'].includes(address)
    return [{ address: isEvery ? '' : address.replace(/^\[(.*)\]$/, '$1'), from: Number(from), to: Number(to) }]
  })
}
