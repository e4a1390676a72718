import { QuorateError } from '@quorate/shared/errors'
import type { CertificateFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { formatEndpoint } from '@quorate/shared/names'
import { holds, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { apiserverCertificate, lackingSans, localPeer, nodeOf, type Peer, wantedSans } from '../endpoint/servers.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { isJoined, toJoin } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { readNodeFacts, runningContainers } from '../facts/read-facts.js'
import { apiserverCertificates } from '../proofs/apiserver-certificates.js'
import { certificateNames } from '../proofs/certificate-names.js'
import { endpointAnswers } from '../proofs/endpoint-answers.js'
import { endpointName } from '../proofs/endpoint-name.js'
import { putBack } from '../undo/put-back.js'

export const regenerateApiserverCertificate = defineStep({
  id: 'regenerate-apiserver-certificate',
  title: "Add the endpoint to the API server's certificate",
  documented: "Update the API server's certificate",
  gate: 'A TLS handshake from every node verifies the name and shows the new serial; the API server was not restarted.',
  undo: 'The old certificate and key are restored.',
  width: 1,
  reliesOn: [endpointName],
  fixes: [endpointAnswers, apiserverCertificates, certificateNames],
  foreseen: [
    { asks: 'a certificate that this CA signs', checks: ['ca-key', 'serving-certificate'] },
    { asks: 'an API server that does not restart meanwhile', checks: ['static-pods-run'] },
  ],
  async plan(run) {
    const planned = await Promise.all(run.controlPlanes.map((node) => planNode(run, node)))
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    const [container] = await runningContainers(run, node, 'kube-apiserver', call.signal)
    const expectedSerial = apiserverCertificate(await run.nodeFacts(node))?.serial ?? ''
    const request = { sans: wantedSans(run), controlPlaneEndpoint: formatEndpoint(run.endpoint), expectedSerial }
    await run.agent(node).change('regenerateCertificate', request, call, 'regenerate')
    return { container: container?.id }
  },
  async verify(run, action, signal, { container }) {
    const node = nodeOf(run, action.node)
    const facts = await readNodeFacts(run, node, signal)
    const certificate = apiserverCertificate(facts)
    const missing = lackingSans(run, facts)
    if (certificate === undefined || missing.length > 0) {
      throw new QuorateError('CERTIFICATE_INVALID', `${pkiPath(facts, 'apiserver.crt')} lacks ${missing.join(', ')}`, {
        where: node.name,
      })
    }
    // Where several control planes share the endpoint, another one may answer: then each is probed directly.
    const isShared = (await toJoin(run)).length < run.joining.length
    const at = isShared ? localPeer(node, await run.nodeFacts(node)) : undefined
    const seen = await Promise.all(run.nodes.map((from) => shownTo(run, { from, at, expected: certificate, signal })))
    return [...seen, await notRestarted(run, node, { before: container, signal })]
  },
  rollback: putBack,
})

async function planNode(run: ConversionRun, node: NodeEntry) {
  if (node !== run.first && !(await isJoined(run, node))) return []
  const facts = await run.nodeFacts(node)
  const missing = lackingSans(run, facts)
  if (missing.length === 0) return []
  const does = `reissue the API server's certificate with ${missing.join(', ')} added to its names; no restart`
  return [
    {
      id: node.name,
      node: node.name,
      does,
      diffs: [{ name: `${node.name}:${pkiPath(facts, 'apiserver.crt')}`, text: '' }],
    },
  ]
}

interface Shown {
  readonly from: NodeEntry
  /** Where it connects; undefined: the endpoint. */
  readonly at: Peer | undefined
  /** The certificate that must be shown. */
  readonly expected: CertificateFacts
  readonly signal: AbortSignal
}

/** The API server reloads its certificate by itself, at once or within a minute (kubernetes/kubernetes#84200). */
function shownTo(run: ConversionRun, { from, at, expected, signal }: Shown): Promise<Evidence> {
  const { host: serverName } = run.endpoint
  const [host, port] = at === undefined ? [serverName, run.endpoint.port] : [at.address, at.port]
  return until(
    `${host} to show ${from.name} the new certificate`,
    async () => {
      const answer = await probeFrom(run, from, { host, port, serverName, signal })
      const problem = problemOf(answer, await readyStatuses(run))
      if (problem !== undefined) return notYet(problem)
      const isNew = answer.certificateSha256.toLowerCase() === expected.sha256.toLowerCase()
      if (!isNew) return notYet(`still serial ${answer.certificateSerial}, on disk ${expected.serial}`)
      return holds({
        what: `${from.name} -> https://${host}:${port}`,
        saw: `verified by name, serial ${answer.certificateSerial}`,
      })
    },
    patience(signal),
  )
}

async function notRestarted(
  run: ConversionRun,
  node: NodeEntry,
  { before, signal }: { readonly before: string | undefined; readonly signal: AbortSignal },
): Promise<Evidence> {
  const after = (await runningContainers(run, node, 'kube-apiserver', signal))[0]?.id
  if (before !== undefined && before !== after) {
    throw new QuorateError(
      'STEP_FAILED',
      `the API server was restarted: container ${before} became ${after ?? 'none'}`,
      { where: node.name },
    )
  }
  return { what: `container of kube-apiserver on ${node.name}`, saw: `${after ?? 'unknown'}, not restarted` }
}
