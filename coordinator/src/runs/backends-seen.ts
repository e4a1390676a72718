import { asQuorateError } from '@quorate/shared/errors'
import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import type { ConversionRun } from '../conversion/context/run.js'
import { probeFrom } from '../conversion/endpoint/probe.js'
import { apiServerPort } from '../conversion/facts/static-pod-flags.js'
import { connectToLook } from './connect-to-look.js'
import type { Session } from './context/session.js'
import { conversionRun } from './session-run.js'

/** One control plane as a client of the load balancer sees it. */
export interface BackendSeen {
  readonly node: string
  /** sha256 of the certificate that its API server shows when probed directly, hexadecimal; '' when it shows none. */
  readonly certificateSha256: string
  /** Why it shows none. */
  readonly problem: string
  /** How many of the connections through the endpoint reached it. */
  readonly met: number
}

/** One probe through the load balancer. */
export interface BackendsSeen {
  /** `HOST:PORT`. */
  readonly endpoint: string
  readonly connections: number
  readonly backends: readonly BackendSeen[]
  /** Certificates of no control plane of the file, by sha256, and how often each was seen. */
  readonly strangers: Readonly<Record<string, number>>
  /** Errors of connections, and how often each occurred. */
  readonly failures: Readonly<Record<string, number>>
}

/** With round robin, each probing node reaches each of them. */
const turns = 3

/**
 * Which control planes are behind the endpoint now, identified by the certificates that they show: every control plane opens some connections at
 * once. Changes nothing, and needs no certificate for the endpoint yet.
 */
export async function seeBackends(session: Session, file: ClusterFile, signal: AbortSignal): Promise<BackendsSeen> {
  const fleet = await connectToLook(session, file.name)
  try {
    return await look(conversionRun(session, fleet, { id: 'backends', file }), signal)
  } finally {
    fleet.close()
  }
}

async function look(run: ConversionRun, signal: AbortSignal): Promise<BackendsSeen> {
  const { host, port } = run.endpoint
  const own = await Promise.all(run.controlPlanes.map((node) => ownCertificate(run, node, signal)))
  const probe = { host, port, path: '', serverName: host, verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY, signal }
  const times = turns * run.controlPlanes.length
  const askers = run.controlPlanes.flatMap((from) => Array.from({ length: times }, () => from))
  const answers = await Promise.all(
    askers.map((from) =>
      probeFrom(run, from, probe).catch((thrown: unknown) => ({
        certificateSha256: '',
        error: asQuorateError(thrown).message,
      })),
    ),
  )
  const met = count(answers.map(({ certificateSha256 }) => certificateSha256))
  const known = new Set(own.map(({ certificateSha256 }) => certificateSha256))
  return {
    endpoint: `${host}:${port}`,
    connections: answers.length,
    backends: own.map((one) => ({ ...one, met: met[one.certificateSha256] ?? 0 })),
    strangers: Object.fromEntries(Object.entries(met).filter(([sha256]) => !known.has(sha256))),
    failures: count(answers.map(({ certificateSha256, error }) => (certificateSha256 === '' ? error : ''))),
  }
}

async function ownCertificate(run: ConversionRun, node: NodeEntry, signal: AbortSignal) {
  const about = { node: node.name, certificateSha256: '', problem: '' }
  try {
    const port = apiServerPort(await run.nodeFacts(run.first))
    const probe = { host: node.address, port, path: '', verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY, signal }
    const { certificateSha256, error } = await probeFrom(run, node, probe)
    return { ...about, certificateSha256, problem: error }
  } catch (thrown) {
    return { ...about, problem: asQuorateError(thrown).message }
  }
}

/** How often each text occurs; empty ones do not count. */
function count(texts: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const text of texts) if (text !== '') found[text] = (found[text] ?? 0) + 1
  return found
}
