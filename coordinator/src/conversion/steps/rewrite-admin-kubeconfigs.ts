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
import { putBack } from '../undo/put-back.js'

const purposes = ['admin', 'super-admin', 'user']

export const rewriteAdminKubeconfigs = defineStep({
  id: 'rewrite-admin-kubeconfigs',
  title: 'Point the kubeconfigs of admins and users at the endpoint',
  documented: 'admin.conf, ~/.kube/config',
  gate: 'An authenticated GET through each file, as it stands.',
  undo: 'The old files are put back.',
  width: 10,
  reliesOn: endpointProofs,
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
        // What a user may do is theirs: an API server that knows them and refuses is met all the same.
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
  // Links are left alone, the checks name them.
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
    return isCopied ? { ...action, elsewhere: onLaptops(file, endpointServer(run)) } : action
  })
}

/** Copies of admin.conf bear its cluster's name; where they lie nobody knows. */
function onLaptops({ clusters, path }: KubeconfigFacts, server: string): string {
  const clusterName = clusters.find(({ inUse }) => inUse)?.name ?? ''
  const command = `kubectl config set-cluster ${/^[\w.-]+$/.test(clusterName) ? clusterName : JSON.stringify(clusterName)} --server=${server}`
  return `Copies of ${path} on laptops and in CI cannot be found from here and still name the first control plane. On each: ${command}`
}

/** kubeadm's own file of a control plane has the endpoint, whatever it had: also the one that the cluster was made with. */
const isOurs = (run: ConversionRun, node: NodeEntry, { purpose, server }: KubeconfigFacts): boolean =>
  run.controlPlanes.includes(node) && purpose !== 'user' && server !== endpointServer(run)

/** A file that goes somewhere else altogether (another cluster, another proxy) is not ours to change. Links are left alone, the checks name them. */
async function namesOne(run: ConversionRun, node: NodeEntry, { server, symlink }: KubeconfigFacts): Promise<boolean> {
  if (symlink) return false
  const [first, own] = await Promise.all([run.nodeFacts(run.first), run.nodeFacts(node)])
  const isThere = node === run.first || (run.joining.includes(node) && (await isJoined(run, node)))
  return (isThere && isLocalServer(server, node, own)) || namesNode(server, run.first, first)
}

async function fileOf(run: ConversionRun, action: Action): Promise<KubeconfigFacts> {
  const facts = await run.nodeFacts(action.node)
  const file = facts.kubeconfigs.find(({ path }) => action.id === `${action.node}:${path}`)
  if (file === undefined) throw new QuorateError('KUBECONFIG_INVALID', `${action.id} is gone`, { where: action.node })
  return file
}
