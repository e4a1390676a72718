import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { certificateOf, probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { endpointAddresses } from '../endpoint/servers.js'
import { isJoined } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { endpointAnswers } from '../proofs/endpoint-answers.js'
import { hairpinProof } from '../proofs/hairpin.js'
import { loadBalancer } from '../proofs/load-balancer.js'
import { virtualIp } from '../proofs/virtual-ip.js'

export const startLoadBalancer = defineStep({
  id: 'start-load-balancer',
  title: 'Start the load balancer with the first control plane behind it',
  documented: 'Create a load balancer',
  gate: "From every node: TCP connects, TLS shows the first control plane's certificate, /readyz answers.",
  undo: 'It is stopped, and its earlier configuration is restored.',
  width: (run) => (run.loadBalancer.oneAtATime === true ? 1 : 20),
  fixes: [endpointAnswers, loadBalancer, virtualIp, hairpinProof],
  foreseen: [
    { asks: 'programs and ports', checks: ['load-balancer', 'ports', 'virtual-ip-unused', 'virtual-router-id'] },
    { asks: 'an answer from every node', checks: ['reachability', 'firewall', 'load-balancer'] },
  ],
  // Its backends follow the joins: the run itself has changed it since.
  onResume: 'renewed',
  plan: (run) => run.loadBalancer.plan(),
  apply: (run, action, call) => run.loadBalancer.apply(action, call),
  async verify(run, action, signal) {
    const port = apiServerPort(await run.nodeFacts(run.first))
    const joined = (
      await Promise.all(run.joining.map(async (node) => ((await isJoined(run, node)) ? [node] : [])))
    ).flat()
    const certificates = await Promise.all(
      [run.first, ...joined].map((node) => certificateOf(run, node, { port, signal })),
    )
    const own = run.loadBalancer.frontends().find(({ node }) => node.name === action.node)
    // The one that was just started, wherever the virtual IP is; and its clients, through the endpoint's own address.
    const asks: Omit<Ask, 'certificates' | 'signal'>[] = (own?.clients ?? run.nodes).map((from) => ({
      from,
      at: undefined,
    }))
    if (own !== undefined) asks.push({ from: own.node, at: own.address })
    return Promise.all(asks.map((ask) => answersAs(run, { ...ask, certificates, signal })))
  },
  rollback: (run, done, call) => run.loadBalancer.undo(done, call),
})

/**
 * A connection opened while the virtual IP moves hangs: it is given up soon and opened again. A slow load balancer gets more time with every attempt.
 */
const shortestMs = 250
const longestMs = 3_000

interface Ask {
  readonly from: NodeEntry
  /** Address to probe; undefined for the endpoint's own. */
  readonly at: string | undefined
  readonly certificates: readonly string[]
  readonly signal: AbortSignal
}

async function answersAs(run: ConversionRun, { from, at, certificates, signal }: Ask): Promise<Evidence> {
  const statuses = await readyStatuses(run)
  const { host, port } = run.endpoint
  let timeoutMs = shortestMs
  return until(
    `the load balancer to answer ${from.name} at ${at ?? run.loadBalancer.address() ?? host}:${port}`,
    async (): Promise<Look<Evidence>> => {
      const address = at ?? (await endpointAddresses(run, from, signal))[0]
      if (address === undefined) return notYet(`${host} does not resolve on ${from.name}`)
      // The certificate does not have the endpoint's name yet: chain and fingerprint prove more than a name would.
      const answer = await probeFrom(run, from, {
        host: address,
        port,
        serverName: host,
        verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY,
        timeoutMs,
        signal,
      })
      timeoutMs = Math.min(timeoutMs * 2, longestMs)
      const problem = problemOf(answer, statuses)
      if (problem !== undefined) return notYet(problem)
      if (!certificates.includes(answer.certificateSha256))
        return notYet(`certificate ${answer.certificateSha256} is not the first control plane's`)
      return holds({
        what: `${from.name} -> ${address}:${port}`,
        saw: `/readyz ${answer.httpStatus}, certificate ${answer.certificateSha256.slice(0, 16)}`,
      })
    },
    patience(signal, 60),
  )
}
