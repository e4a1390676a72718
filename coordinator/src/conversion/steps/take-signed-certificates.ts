import { requestProblems } from '@quorate/shared/asked-certificate'
import { opensslExtensions, shortcomingsOf } from '@quorate/shared/certificate-request'
import { QuorateError } from '@quorate/shared/errors'
import { pemBlocks } from '@quorate/shared/pki'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { OperatorRequest } from '../../state/request-folder.js'
import { requestFor, requestsOf, type Unsigned, unsignedOf } from '../certificates/external-ca.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { readNodeFacts } from '../facts/read-facts.js'
import { apiserverCertificates } from '../proofs/apiserver-certificates.js'
import { certificateNames } from '../proofs/certificate-names.js'
import { endpointAnswers } from '../proofs/endpoint-answers.js'
import { putBack } from '../undo/put-back.js'

export const takeSignedCertificates = defineStep({
  id: 'take-signed-certificates',
  title: 'Import the certificates that were signed elsewhere',
  gate: 'Each matches its request: key, subject, names, usages, dates, signed by this CA; it is beside its key, and nothing uses it yet.',
  undo: 'The certificates are removed from the nodes.',
  width: 20,
  fixes: [endpointAnswers, apiserverCertificates, certificateNames],
  foreseen: [{ asks: 'certificates of a CA whose key is kept elsewhere', checks: ['ca-key'] }],
  onResume: 'renewed',
  // Writes the requests out. While one is not signed, the run stops here, before anything of the cluster is changed; `resume` looks again.
  async before(run) {
    const looked = (await Promise.all(run.controlPlanes.map((node) => lookAt(run, node)))).flat()
    const unfit = looked.filter(({ problems }) => problems.length > 0)
    const unsigned = looked.filter(({ pem, problems }) => pem === undefined && problems.length === 0)
    for (const { request } of unsigned) if (request !== undefined) await run.requestFolder.write(request)
    if (unsigned.length + unfit.length > 0) throw notSigned(run, unsigned, unfit)
    return looked.map(({ path }) => ({ what: path, saw: 'signed, as its request asks' }))
  },
  async plan(run) {
    const planned = await Promise.all(
      run.controlPlanes.map(async (node) => {
        const unsigned = await unsignedOf(run, node)
        const requests = requestsOf(run, await run.nodeFacts(node))
        if (unsigned.every(({ leaf }) => requests.get(leaf.name)?.isSigned === true)) return []
        const does = `wait until the requested certificates (${unsigned.length}) are signed elsewhere, verify them, keep them beside the keys`
        return [{ id: node.name, node: node.name, does, diffs: [] }]
      }),
    )
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    const looked = await lookAt(run, node)
    const certificates = looked.map(({ one: { leaf, caPem }, pem = '' }) => ({
      name: leaf.name,
      certificatePem: pem,
      caPem,
    }))
    await run.agent(node).change('placeSignedCertificates', { certificates }, call, 'place')
  },
  async verify(run, action, signal) {
    const node = nodeOf(run, action.node)
    const requests = requestsOf(run, await readNodeFacts(run, node, signal))
    return (await unsignedOf(run, node)).map(({ leaf }) => {
      if (requests.get(leaf.name)?.isSigned !== true)
        throw new QuorateError('STEP_FAILED', `the certificate ${leaf.name} is not on its node`, { where: node.name })
      return { what: `${node.name}: ${leaf.name}`, saw: 'beside its key' }
    })
  },
  rollback: putBack,
})

interface Looked {
  readonly one: Unsigned
  /** Of the request, in the operator's folder. */
  readonly path: string
  /** The certificate alone, without other text of its file; undefined while there is none. */
  readonly pem: string | undefined
  readonly problems: readonly string[]
  /** As it is written out; undefined where it is no longer on its node, or is not what this run asked for. */
  readonly request: OperatorRequest | undefined
}

async function lookAt(run: ConversionRun, node: NodeEntry): Promise<readonly Looked[]> {
  const requests = requestsOf(run, await run.nodeFacts(node))
  const unsigned = await unsignedOf(run, node)
  return Promise.all(
    unsigned.map(async (one) => {
      const { name, ca, usages } = one.leaf
      const place = { node: node.name, name, ca }
      const text = await run.requestFolder.readCertificate(place)
      const pem = text === undefined ? undefined : certificateIn(text)
      const csr = requests.get(name)?.csr
      const looked = { one, path: run.requestFolder.requestPath(place), pem }
      if (csr === undefined) return { ...looked, problems: ['its key is no longer on the node'], request: undefined }
      const problems = await problemsOf(run, node, { one, pem, csr })
      if (problems.length > 0) return { ...looked, problems, request: undefined }
      return { ...looked, problems, request: { ...place, csr, extensions: opensslExtensions({ csr, usages }) } }
    }),
  )
}

/** Of the certificate; while there is none of the request, which nobody must be shown to sign that asks for more than this run did. */
async function problemsOf(
  run: ConversionRun,
  node: NodeEntry,
  { one: { leaf, caPem }, pem, csr }: Pick<Looked, 'one' | 'pem'> & { readonly csr: string },
): Promise<readonly string[]> {
  try {
    if (pem === undefined) return requestProblems(csr, leaf, await requestFor(run, node))
    return shortcomingsOf(pem, { csr, caPem, usages: leaf.usages, now: Date.now() })
  } catch (error) {
    if (error instanceof QuorateError && error.code === 'CERTIFICATE_INVALID') return [error.message]
    throw error
  }
}

/** openssl may write a description in words before it. */
function certificateIn(text: string): string {
  const [pem] = pemBlocks(text, 'CERTIFICATE')
  return pem === undefined ? text : `${pem}\n`
}

function notSigned(run: ConversionRun, unsigned: readonly Looked[], unfit: readonly Looked[]): QuorateError {
  const { path: folder } = run.requestFolder
  const short = ({ path }: Looked): string => path.slice(folder.length + 1)
  const parts = [
    ...(unsigned.length === 0 ? [] : [`${unsigned.length} not signed yet: ${unsigned.map(short).join(', ')}`]),
    ...unfit.map(
      (one) => `${one.pem === undefined ? short(one) : short(one).replace(/csr$/, 'crt')}: ${one.problems.join('; ')}`,
    ),
  ]
  return new QuorateError('CERTIFICATES_NOT_SIGNED', `requests in ${folder}: ${parts.join('. ')}`, {
    remedy: `Sign each as docs/runbook.md#external-ca shows, put the certificate beside its request (NAME.crt beside NAME.csr), then run: quorate resume ${run.id}. The cluster was not changed; \`quorate rollback ${run.id}\` removes the keys from the nodes.`,
  })
}
