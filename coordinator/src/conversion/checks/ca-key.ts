import { inWords, unsignedOf } from '../certificates/external-ca.js'
import type { Finding } from '../context/finding.js'
import { foldersOf, pkiPath } from '../facts/cluster-folders.js'
import type { Check } from './check.js'

const id = 'ca-key'

/** With an external CA kubeadm makes no certificate: a person has them signed where the key is (docs/decisions/0014-external-ca.md). */
export const caKey: Check = {
  id,
  title: "The keys of the cluster's CAs are on the first control plane, or it is said what must be signed elsewhere",
  async check(run) {
    const first = await run.nodeFacts(run.first)
    const { caKeyPresent, externalCas } = first
    if (!caKeyPresent && !externalCas.some(({ name }) => name === 'ca'))
      return [neitherKeyNorCertificate(run.first.name, foldersOf(first).certificatesDir)]
    const unsigned = await Promise.all(
      run.controlPlanes.map(async (node) => ({ node: node.name, wanted: await unsignedOf(run, node) })),
    )
    return unsigned.flatMap(({ node, wanted }): Finding[] => {
      if (wanted.length === 0) return []
      return [
        {
          id,
          severity: 'warning',
          node,
          message: `an external CA: what this node needs of it must be signed where its key is (${wanted.length})`,
          evidence: `on ${run.first.name} ${externalCas.map(({ name }) => `${pkiPath(first, `${name}.key`)}: no such file`).join(', ')}; ${inWords(wanted)}`,
          remedy:
            'Have somebody at hand who can sign: the run makes the requests, ends before it changes anything of the cluster, and `quorate resume RUN` goes on when the certificates lie beside them (docs/runbook.md#external-ca). Or put the key there (0600, root) for the time of the conversion.',
        },
      ]
    })
  },
}

const neitherKeyNorCertificate = (node: string, folder: string): Finding => ({
  id,
  severity: 'error',
  node,
  message:
    "neither the key of the cluster's CA nor its certificate is where kubeadm keeps them: no certificate can be made, nor one be checked",
  evidence: `${folder}/ca.key, ca.crt: no such file`,
  remedy: `Put ca.crt, and ca.key where the cluster has it, into ${folder} of this node.`,
})
