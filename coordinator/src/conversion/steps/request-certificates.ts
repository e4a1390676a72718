import { requestProblems } from '@quorate/shared/asked-certificate'
import { readCertificateRequest } from '@quorate/shared/certificate-request'
import { QuorateError } from '@quorate/shared/errors'
import { inWords, requestFor, requestsOf, unsignedOf } from '../certificates/external-ca.js'
import { byItself } from '../context/foreseen.js'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { readNodeFacts } from '../facts/read-facts.js'
import { apiserverCertificates } from '../proofs/apiserver-certificates.js'
import { certificateNames } from '../proofs/certificate-names.js'
import { endpointAnswers } from '../proofs/endpoint-answers.js'
import { putBack } from '../undo/put-back.js'

export const requestCertificates = defineStep({
  id: 'request-certificates',
  title: 'Create keys and signing requests for certificates whose CA key is kept elsewhere',
  gate: 'Each request is beside its key, on its node, and asks for exactly the subject and names of this run.',
  undo: 'Keys and requests are removed from the nodes.',
  width: 20,
  // With the next step and the one that reissues: these two act only where the CA key is kept elsewhere.
  fixes: [endpointAnswers, apiserverCertificates, certificateNames],
  foreseen: [byItself('a request beside its key', 'the step makes both')],
  onResume: 'renewed',
  async plan(run) {
    const planned = await Promise.all(
      run.controlPlanes.map(async (node) => {
        const unsigned = await unsignedOf(run, node)
        const requests = requestsOf(run, await run.nodeFacts(node))
        if (unsigned.every(({ leaf }) => requests.has(leaf.name))) return []
        const does = `create a key and a certificate signing request for each (${unsigned.length}), to be signed ${inWords(unsigned)}`
        return [{ id: node.name, node: node.name, does, diffs: [] }]
      }),
    )
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    const names = (await unsignedOf(run, node)).map(({ leaf }) => leaf.name)
    const request = { ...(await requestFor(run, node)), names }
    await run.agent(node).change('requestCertificates', request, call, 'request')
  },
  async verify(run, action, signal) {
    const node = nodeOf(run, action.node)
    const requests = requestsOf(run, await readNodeFacts(run, node, signal))
    const asked = await requestFor(run, node)
    return (await unsignedOf(run, node)).map(({ leaf }) => {
      const { name } = leaf
      const csr = requests.get(name)?.csr
      if (csr === undefined)
        throw new QuorateError('STEP_FAILED', `the request for ${name} is missing`, { where: node.name })
      const problems = requestProblems(csr, leaf, asked)
      if (problems.length > 0)
        throw new QuorateError('CERTIFICATE_INVALID', `the request for ${name}: ${problems.join('; ')}`, {
          where: node.name,
          remedy: `Do not sign it: ${node.name} asks for more than this run requested. Examine that node, then undo the run with \`quorate rollback ${run.id}\`.`,
        })
      return {
        what: `${node.name}: request for ${name}`,
        saw: `public key ${readCertificateRequest(csr).publicKeyPin}`,
      }
    })
  },
  rollback: putBack,
})
