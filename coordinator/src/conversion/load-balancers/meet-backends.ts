import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { certificateOf, probeFrom } from '../endpoint/probe.js'
import { endpointAddresses } from '../endpoint/servers.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

export interface Meeting {
  readonly seconds: number
  readonly signal: AbortSignal
  /** Address to probe instead of the endpoint's own: one node of the load balancer. */
  readonly at?: string
  /** Port there, unless it is the endpoint's. */
  readonly port?: number
  /** Node that probes; the first control plane unless given. */
  readonly from?: NodeEntry
}

/** Waits until each backend was reached through the load balancer, identified by the certificate that it shows when probed directly. */
export async function meetBackends(
  run: ConversionRun,
  backends: readonly NodeEntry[],
  { seconds, signal, at, from, port: asked = run.endpoint.port }: Meeting,
): Promise<readonly Evidence[]> {
  const port = apiServerPort(await run.nodeFacts(from ?? run.first))
  const certificates = new Map(
    await Promise.all(
      backends.map(async (node) => [await certificateOf(run, node, { port, signal }), node.name] as const),
    ),
  )
  const asker = from ?? run.first
  const address = at ?? (await endpointAddresses(run, asker, signal))[0] ?? run.endpoint.host
  const met = new Set<string>()
  await until(
    `the load balancer at ${address}:${asked} to reach ${[...certificates.values()].join(', ')}`,
    () => look(run, { asker, address, port: asked, certificates, met, signal }),
    { deadlineMs: seconds * 1_000, everyMs: 200, signal },
  )
  return [...certificates].map(([sha256, name]) => ({
    what: `${name} reached at ${address}:${asked}`,
    saw: `certificate ${sha256.slice(0, 16)}`,
  }))
}

interface LookOptions {
  readonly asker: NodeEntry
  readonly address: string
  readonly port: number
  readonly certificates: ReadonlyMap<string, string>
  readonly met: Set<string>
  readonly signal: AbortSignal
}

/** Opens as many connections at once as there may be backends: with round robin each reaches another one. */
async function look(
  run: ConversionRun,
  { asker, address, port, certificates, met, signal }: LookOptions,
): Promise<Look<true>> {
  const probe = {
    host: address,
    port,
    path: '',
    serverName: run.endpoint.host,
    verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY,
    signal,
  }
  const answers = await Promise.all(run.controlPlanes.map(() => probeFrom(run, asker, probe)))
  for (const { certificateSha256 } of answers) if (certificateSha256 !== '') met.add(certificateSha256)
  const missing = [...certificates].filter(([sha256]) => !met.has(sha256)).map(([, name]) => name)
  if (missing.length === 0) return holds(true)
  const failed = answers.find(({ error }) => error !== '')
  return notYet(`not reached: ${missing.join(', ')}${failed === undefined ? '' : `; ${failed.error}`}`)
}
