import type { Proof } from '../context/proof.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'apiserver-certificates'

/** Asked of each API server itself: through the endpoint only one of them would be met. */
export const apiserverCertificates: Proof = {
  id,
  title: 'Every API server is ready and presents a certificate for the endpoint',
  foreseen: [{ asks: 'certificates for the endpoint', checks: ['ca-key', 'serving-certificate'] }],
  async prove(run, signal) {
    const statuses = await readyStatuses(run)
    const seen = await Promise.all(
      run.controlPlanes.map(async (node): Promise<Seen> => {
        const facts = await run.nodeFacts(node)
        const port = apiServerPort(facts)
        const answer = await probeFrom(run, node, { host: node.address, port, serverName: run.endpoint.host, signal })
        const problem = problemOf(answer, statuses)
        if (problem === undefined)
          return {
            what: `https://${node.address}:${port}/readyz`,
            saw: `HTTP ${answer.httpStatus}, certificate ${answer.certificateSerial} is for ${run.endpoint.host}`,
          }
        return notProved(id, {
          node: node.name,
          message: 'its API server is not ready, or its certificate is not for the endpoint',
          evidence: problem,
          remedy: `On that node: openssl x509 -noout -ext subjectAltName -in ${pkiPath(facts, 'apiserver.crt')}; crictl ps --name kube-apiserver.`,
        })
      }),
    )
    return resultOf(seen)
  },
}
