import type { KubeconfigFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { foldersOf } from '../cluster-folders.js'
import { existingNodes } from '../membership.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'kubeconfigs'

/** What would stop the step that rewrites a kubeconfig, said before anything is changed. */
export const kubeconfigs: Check = {
  id,
  title: 'Kubeconfigs can be read and replaced',
  async check(run) {
    const existing = await existingNodes(run)
    const nodes = await withFacts(run, existing)
    return nodes.flatMap(({ name, facts }) =>
      facts.kubeconfigs.flatMap((file) => ofFile(name, file, foldersOf(facts).kubeletCertDir)),
    )
  },
}

/** kubeadm's own kubeconfigs are rewritten where they lie: whoever has a link to one of them has all that is needed. */
const rewritten = ['admin', 'super-admin'].map((name) => `/etc/kubernetes/${name}.conf`)
const leadsToRewritten = ({ purpose, linkTarget }: KubeconfigFacts): boolean =>
  purpose === 'user' && rewritten.includes(linkTarget)

function ofFile(node: string, file: KubeconfigFacts, certDir: string): Finding[] {
  const where = { id, severity: 'error', node } as const
  if (file.problem !== '') {
    return [
      {
        ...where,
        message: `${file.path} cannot be read as a kubeconfig`,
        evidence: file.problem,
        remedy: `Mend or remove ${file.path} on that node.`,
      },
    ]
  }
  if (file.symlink && !leadsToRewritten(file)) {
    return [
      {
        ...where,
        message: `${file.path} is a symbolic link; Quorate does not follow links when it writes`,
        evidence: `${file.path} (symlink)`,
        remedy: `On that node: cp --remove-destination "$(readlink -f ${file.path})" ${file.path}`,
      },
    ]
  }
  if (file.purpose !== 'kubelet' || !file.embeddedClientCertificate) return []
  return [
    {
      ...where,
      message:
        'kubelet.conf holds a client certificate of its own, which rotation never renews (kubeadm#1753): the kubelet may not come back from a restart',
      evidence: `${file.path}: client-certificate-data`,
      remedy: `On that node, in ${file.path}: replace client-certificate-data and client-key-data by client-certificate and client-key: ${certDir}/kubelet-client-current.pem, then systemctl restart kubelet`,
    },
  ]
}
