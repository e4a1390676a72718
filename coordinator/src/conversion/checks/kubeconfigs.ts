import type { KubeconfigFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { endpointServer, namesNode } from '../endpoint/servers.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { existingNodes } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'kubeconfigs'

/** What would stop the step that rewrites a kubeconfig, reported before any change. */
export const kubeconfigs: Check = {
  id,
  title: 'Kubeconfigs can be read and rewritten',
  async check(run) {
    const existing = await existingNodes(run)
    const nodes = await withFacts(run, existing)
    const first = await run.nodeFacts(run.first)
    return nodes.flatMap(({ name, facts }) =>
      facts.kubeconfigs.flatMap((file) => [
        ...ofFile(name, file, foldersOf(facts).kubeletCertDir),
        ...notRewritten(run, first, { node: name, file }),
      ]),
    )
  },
}

/** Only the cluster in use is rewritten: the owner changes another one that names the first control plane. */
function notRewritten(
  run: ConversionRun,
  first: NodeFacts,
  { node, file }: { readonly node: string; readonly file: KubeconfigFacts },
): Finding[] {
  const idle = file.clusters.filter(({ inUse, server }) => !inUse && namesNode(server, run.first, first))
  return idle.map(({ name, server, line }) => ({
    ...{ id, severity: 'warning', node },
    message: `the cluster ${JSON.stringify(name)} of ${file.path} names the first control plane, and no current-context uses it: it is not rewritten`,
    evidence: `${file.path} line ${line}: ${server}`,
    remedy: `When the endpoint answers, on that node: kubectl config set-cluster ${shellWord(name)} --kubeconfig ${file.path} --server=${endpointServer(run)}`,
  }))
}

const shellWord = (text: string): string => (/^[\w.@:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** kubeadm's own kubeconfigs are rewritten where they lie: a link to one of them keeps working. */
const rewritten = ['admin', 'super-admin'].map((name) => `/etc/kubernetes/${name}.conf`)
const leadsToRewritten = ({ purpose, linkTarget }: KubeconfigFacts): boolean =>
  purpose === 'user' && rewritten.includes(linkTarget)

function ofFile(node: string, file: KubeconfigFacts, certDir: string): Finding[] {
  const where = { id, severity: 'error', node } as const
  if (file.problem !== '') return [unreadable(node, file)]
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
        'kubelet.conf embeds a client certificate, which rotation never renews (kubeadm#1753): the kubelet may not come back from a restart',
      evidence: `${file.path}: client-certificate-data`,
      remedy: `On that node, in ${file.path}: replace client-certificate-data and client-key-data by client-certificate and client-key: ${certDir}/kubelet-client-current.pem, then systemctl restart kubelet`,
    },
  ]
}

/** The cluster does not need a user's own file; kubectl cannot read it either. */
function unreadable(node: string, { purpose, path, problem, remedy }: KubeconfigFacts): Finding {
  const isUsers = purpose === 'user'
  return {
    ...{ id, node },
    severity: isUsers ? 'warning' : 'error',
    message: `${path} cannot be read as a kubeconfig${isUsers ? ', and is left as it is' : ''}`,
    evidence: problem.startsWith(path) ? problem : `${path}: ${problem}`,
    remedy: `${remedy} ${isUsers ? 'Or remove the file.' : 'Or restore the file that kubeadm wrote.'}`,
  }
}
