import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import { apiserverCertificate, wantedSans } from '../endpoint/servers.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'certificate-names'
const remedyFor = (path: string): string =>
  `Add them to apiServer.certSANs of configmap kubeadm-config; on that node move ${path} and .key away and run kubeadm init phase certs apiserver --config FILE with that configuration.`

/** Behind a load balancer a client meets each of them in turn: a name that one lacks fails for every third connection. */
export const certificateNames: Proof = {
  id,
  title: 'The API server certificates of all control planes have the same names',
  foreseen: [{ asks: 'the same names everywhere', checks: ['ca-key', 'serving-certificate'] }],
  async prove(run) {
    const all = await Promise.all(
      run.controlPlanes.map(async (node) => {
        const facts = await run.nodeFacts(node)
        const names = apiserverCertificate(facts)?.sans ?? []
        return { node, names, own: ownNames(node), path: pkiPath(facts, 'apiserver.crt') }
      }),
    )
    const shared = new Set(all.flatMap(({ names, own }) => names.filter((name) => !own.includes(name))))
    const seen = all.flatMap(({ node, names, path }): readonly (Seen | Finding)[] => {
      const missing = wantedSans(run).filter((name) => !names.includes(name))
      const fewer = [...shared].filter((name) => !names.includes(name) && !missing.includes(name))
      const remedy = remedyFor(path)
      const evidence = `${path}: ${names.join(', ') || 'no names'}`
      if (missing.length > 0)
        return [notProved(id, { node: node.name, message: `it does not name ${missing.join(', ')}`, evidence, remedy })]
      if (fewer.length === 0) return [{ what: `names in the certificate of ${node.name}`, saw: names.join(', ') }]
      // Whether a client uses it cannot be seen from here.
      const message = `it lacks ${fewer.join(', ')}, which another control plane's has`
      return [{ id, severity: 'warning', node: node.name, message, evidence, remedy }]
    })
    return resultOf(seen)
  },
}

/** What only its own certificate has. */
const ownNames = ({ name, address }: NodeEntry): readonly string[] => [name, name.split('.')[0] ?? name, address]
