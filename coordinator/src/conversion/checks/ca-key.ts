import { inWords, unsignedOf } from '../certificates/external-ca.js'
import type { Finding } from '../context/finding.js'
import { foldersOf, pkiPath } from '../facts/cluster-folders.js'
import type { Check } from './check.js'

const id = 'ca-key'

/** With an external CA kubeadm makes no certificate: the operator has them signed where the key is (docs/decisions/0014-external-ca.md). */
export const caKey: Check = {
  id,
  title: "The keys of the cluster's CAs are on the first control plane, or Quorate lists what must be signed elsewhere",
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
          message: `the CA is external: the certificates that this node needs must be signed where the CA key is (${wanted.length})`,
          evidence: `on ${run.first.name} ${externalCas.map(({ name }) => `${pkiPath(first, `${name}.key`)}: no such file`).join(', ')}; ${inWords(wanted)}`,
          remedy:
            'The operator of the CA must sign the requests. The run creates them and stops before it changes the cluster; `quorate resume RUN` continues when the certificates are beside the requests (docs/runbook.md#external-ca). Or put the key there (0600, root) for the duration of the conversion.',
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
    "neither the key nor the certificate of the cluster's CA is where kubeadm keeps them: certificates can be neither issued nor verified",
  evidence: `${folder}/ca.key, ca.crt: no such file`,
  remedy: `Put ca.crt, and ca.key where the cluster has it, into ${folder} of this node.`,
})
