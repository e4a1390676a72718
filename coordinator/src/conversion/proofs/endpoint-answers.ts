import type { Proof } from '../context/proof.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'endpoint-answers'

export const endpointAnswers: Proof = {
  id,
  title: 'Every node reaches the endpoint and verifies its certificate by name',
  foreseen: [{ asks: 'an answer from every node', checks: ['load-balancer', 'reachability', 'firewall'] }],
  async prove(run, signal) {
    const { host, port } = run.endpoint
    const statuses = await readyStatuses(run)
    const seen = await Promise.all(
      run.nodes.map(async (node): Promise<Seen> => {
        const answer = await probeFrom(run, node, { host, port, serverName: host, signal })
        const problem = problemOf(answer, statuses)
        if (problem === undefined)
          return {
            what: `${node.name} -> https://${host}:${port}/readyz`,
            saw: `HTTP ${answer.httpStatus}, verified, ${answer.latencyMs} ms`,
          }
        return notProved(id, {
          node: node.name,
          message: `https://${host}:${port} does not answer this node as it should`,
          evidence: problem,
          remedy: `On that node: curl --cacert ${pkiPath(await run.nodeFacts(node), 'ca.crt')} https://${host}:${port}/readyz; look at the load balancer and at the certificate's names.`,
        })
      }),
    )
    return resultOf(seen)
  },
}
