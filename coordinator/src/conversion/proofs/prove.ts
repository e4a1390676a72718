import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, type QuorateError } from '@quorate/shared/errors'
import { type Evidence, seenAt } from '../../engine/step.js'
import { isNotPermitted, silentNodes } from '../checks/assess.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import { neverJoined } from '../facts/membership.js'
import { nodesReady } from './nodes-ready.js'

/** One proof and what it saw. */
export interface Proved {
  readonly id: string
  readonly title: string
  readonly holds: boolean
  readonly evidence: readonly Evidence[]
  readonly findings: readonly Finding[]
}

/** The answer of `quorate verify`. */
export interface Verification {
  readonly cluster: string
  readonly highlyAvailable: boolean
  readonly proofs: readonly Proved[]
}

/** Makes every proof at once; all report, and one that cannot be made does not hold. */
export async function prove(run: ConversionRun, proofs: readonly Proof[], signal: AbortSignal): Promise<Verification> {
  const silent = await silentNodes(run)
  const agents: Proved = {
    id: 'agents',
    title: 'Every agent answers',
    holds: silent.every(({ severity }) => severity !== 'error'),
    evidence: [],
    findings: silent,
  }
  const known = {
    unanswered: new Set(silent.map(({ node }) => node)),
    // Where the cluster cannot be read, the proofs say so.
    outside: new Set((await neverJoined(run).catch(() => [])).map(({ name }): string => name)),
  }
  const proved = await Promise.all(proofs.map((proof) => proveOne(run, proof, { signal, known })))
  const all = [agents, ...proved]
  return { cluster: run.file.name, highlyAvailable: all.every(({ holds }) => holds), proofs: all }
}

/** Nodes that one finding reports, of `agents` or nodes-ready; what other proofs find on them only follows from it. */
interface KnownNodes {
  readonly unanswered: ReadonlySet<string | undefined>
  readonly outside: ReadonlySet<string>
}

async function proveOne(
  run: ConversionRun,
  proof: Proof,
  { signal, known }: { signal: AbortSignal; known: KnownNodes },
): Promise<Proved> {
  const { id, title } = proof
  try {
    const { evidence, findings } = await proof.prove(run, signal)
    // Such a node is reported once; here it only means that this proof does not hold.
    return {
      id,
      title,
      holds: findings.every(({ severity }) => severity !== 'error'),
      evidence: seenAt(systemClock.now(), evidence),
      findings: findings.filter((finding) => !isEcho(finding, known)),
    }
  } catch (thrown) {
    const error = asQuorateError(thrown)
    if (isNotPermitted(run, error)) return notMeasured(proof, error)
    const { code, message, remedy, where } = error
    const finding: Finding = {
      id,
      severity: 'error',
      ...(where === undefined ? {} : { node: where }),
      message,
      evidence: code,
      remedy,
    }
    return { id, title, holds: false, evidence: [], findings: isEcho(finding, known) ? [] : [finding] }
  }
}

/** It says nothing against the cluster. */
const notMeasured = ({ id, title }: Proof, { code, message }: QuorateError): Proved => ({
  ...{ id, title, holds: true, evidence: [] },
  findings: [
    {
      ...{ id, severity: 'warning', evidence: code },
      message: `not verified with this identity: ${message}`,
      remedy: "Nothing to do: an operator's `quorate verify` measures it.",
    },
  ],
})

const isEcho = ({ id, node, evidence }: Finding, { unanswered, outside }: KnownNodes): boolean =>
  node !== undefined &&
  ((unanswered.has(node) && /^AGENT_/.test(evidence)) || (outside.has(node) && id !== nodesReady.id))
