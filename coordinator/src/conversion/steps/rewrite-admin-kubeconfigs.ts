import { QuorateError } from '@quorate/shared/errors'
import type { KubeconfigFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import { rewrite, rewriteAction } from '../clients/rewrite-kubeconfigs.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { endpointServer, isLocalServer, kubeconfigsOf, namesNode, nodeOf } from '../endpoint/servers.js'
import { isJoined } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { kubeconfigs } from '../proofs/kubeconfigs.js'
import { oldAddress } from '../proofs/old-address.js'
import { putBack } from '../undo/put-back.js'

const purposes = ['admin', 'super-admin', 'user']

export const rewriteAdminKubeconfigs = defineStep({
  id: 'rewrite-admin-kubeconfigs',
  title: 'Point the kubeconfigs of admins and users at the endpoint',
  documented: 'admin.conf, ~/.kube/config',
  gate: 'An authenticated GET succeeds with each file.',
  undo: 'The old files are restored.',
  width: 10,
  reliesOn: endpointProofs,
  fixes: [kubeconfigs, oldAddress],
  foreseen: [{ asks: 'an authenticated answer', checks: ['kubeconfigs', 'certificate-expiry'] }],
  async plan(run) {
    const planned = await Promise.all(run.nodes.map((node) => planNode(run, node)))
    return planned.flat()
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    const file = await fileOf(run, action)
    await rewrite(run, node, { file, server: endpointServer(run), call })
  },
  async verify(run, action, signal) {
    const { purpose, path } = await fileOf(run, action)
    const request = { purpose, path: purpose === 'user' ? path : '' }
    return until(
      `an authenticated GET with ${path} of ${action.node}`,
      async () => {
        const answer = await run.agent(action.node).read('probeKubeconfig', request, { signal })
        if (answer.server !== endpointServer(run)) return notYet(`it names ${answer.server || 'nothing'}`)
        // A user may lack permissions: an API server that authenticates them and refuses is reached all the same.
        const met = answer.httpStatus === 200 || (purpose === 'user' && [401, 403].includes(answer.httpStatus))
        return met
          ? holds([{ what: `${action.node}:${path}`, saw: `HTTP ${answer.httpStatus} from ${answer.server}` }])
          : notYet(answer.error || `HTTP ${answer.httpStatus}`)
      },
      patience(signal, 30),
    )
  },
  rollback: putBack,
})

async function planNode(run: ConversionRun, node: NodeEntry): Promise<readonly Action[]> {
  // Symbolic links are left alone; the checks report them.
  const files = (
    await Promise.all(
      kubeconfigsOf(await run.nodeFacts(node), purposes).map(async (file) =>
        (isOurs(run, node, file) || (await namesOne(run, node, file))) && !file.symlink ? [file] : [],
      ),
    )
  ).flat()
  return files.map((file) => {
    const action = rewriteAction(`${node.name}:${file.path}`, node, {
      rewritings: [{ file, server: endpointServer(run) }],
    })
    const isCopied = node === run.first && file.purpose === 'admin'
    return isCopied ? { ...action, elsewhere: forCopies(file, endpointServer(run)) } : action
  })
}

/** Copies of admin.conf have its cluster's name; where they are is unknown. */
function forCopies({ clusters, path }: KubeconfigFacts, server: string): string {
  const clusterName = clusters.find(({ inUse }) => inUse)?.name ?? ''
  const command = `kubectl config set-cluster ${/^[\w.-]+$/.test(clusterName) ? clusterName : JSON.stringify(clusterName)} --server=${server}`
  return `Copies of ${path} elsewhere (workstations, CI) cannot be found from here and still name the first control plane. On each, run: ${command}`
}

/** kubeadm's own file of a control plane gets the endpoint, whatever it had: also the address that the cluster was made with. */
const isOurs = (run: ConversionRun, node: NodeEntry, { purpose, server }: KubeconfigFacts): boolean =>
  run.controlPlanes.includes(node) && purpose !== 'user' && server !== endpointServer(run)

/** Whether it names one control plane. A file for another cluster or proxy is not changed. Symbolic links are left alone; the checks report them. */
async function namesOne(run: ConversionRun, node: NodeEntry, { server, symlink }: KubeconfigFacts): Promise<boolean> {
  if (symlink) return false
  const [first, own] = await Promise.all([run.nodeFacts(run.first), run.nodeFacts(node)])
  const isThere = node === run.first || (run.joining.includes(node) && (await isJoined(run, node)))
  return (isThere && isLocalServer(server, node, own)) || namesNode(server, run.first, first)
}

async function fileOf(run: ConversionRun, action: Action): Promise<KubeconfigFacts> {
  const facts = await run.nodeFacts(action.node)
  const file = facts.kubeconfigs.find(({ path }) => action.id === `${action.node}:${path}`)
  if (file === undefined)
    throw new QuorateError('KUBECONFIG_INVALID', `${action.id} no longer exists`, { where: action.node })
  return file
}
