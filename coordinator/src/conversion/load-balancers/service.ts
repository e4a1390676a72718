import { holds, notYet, until } from '@quorate/shared/until'
import type { ClusterFile, NodeEntry } from '../../config/cluster-file.js'
import type { Action, Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from '../context/finding.js'
import type { LoadBalancerKind } from '../context/load-balancer-kind.js'
import type { ConversionRun } from '../context/run.js'
import { readApiService } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { meetBackends } from './meet-backends.js'
import { nodeLocal } from './node-local.js'

const actionId = 'service'

const isForced = ({ loadBalancer }: ClusterFile): boolean => loadBalancer.underKubelets

const circle =
  'kube-proxy and the controller that announces the address need the API to make the way by which the kubelets reach the API: after all machines lost their power nothing comes up by itself (openelb#125, metallb#168)'

/**
 * The Service of the documented procedure: type LoadBalancer with the virtual IP, else NodePort. It is for clients outside. The nodes
 * themselves keep off it, because of the circle above: they have the haproxy of node-local, unless the file says underKubelets.
 */
export const service: LoadBalancerKind = {
  name: 'service',
  runBy: 'cluster',
  programs: ['haproxy'],
  inspect: 'kubectl -n kube-system get service,endpointslices; on a node: systemctl status quorate-haproxy',
  frontends: (run) => (isForced(run.file) ? [] : nodeLocal.frontends(run)),
  address: (file) => (isForced(file) ? file.loadBalancer.virtualIP : nodeLocal.address(file)),
  movingAddress: () => undefined,
  hostsAddress(file) {
    if (!isForced(file)) return nodeLocal.hostsAddress(file)
    return file.policy.manageHosts ? file.loadBalancer.virtualIP : undefined
  },
  sans: ({ loadBalancer }) => (loadBalancer.virtualIP === undefined ? [] : [loadBalancer.virtualIP]),
  forOutside: ({ endpoint: { host }, loadBalancer: { virtualIP, nodePort } }) =>
    virtualIP === undefined
      ? `clients outside the cluster use the Service: https://${host}:${nodePort}, with ${host} in DNS as the addresses of several nodes`
      : `clients outside the cluster use the Service: give them ${host} in DNS as ${virtualIP}`,
  async check(run) {
    if (isForced(run.file)) return [warning(run)]
    return nodeLocal.check(run)
  },
  async plan(run) {
    const nodes = isForced(run.file) ? [] : await nodeLocal.plan(run)
    return [...nodes, ...(await planService(run))]
  },
  async apply(run, action, call) {
    if (action.id !== actionId) return nodeLocal.apply(run, action, call)
    const port = apiServerPort(await run.nodeFacts(run.first))
    const address = run.file.loadBalancer.virtualIP ?? ''
    const request = { port: portOutside(run.file), targetPort: port, address }
    await run.agent(run.first).change('applyApiService', request, call, 'service')
    await untilAnnounced(run, call)
    await throughService(run, [run.first], call.signal)
  },
  async setBackends(run, pool, call) {
    if (!isForced(run.file)) await nodeLocal.setBackends(run, pool, call)
    call.progress('the Service takes its endpoints from the API servers that are ready')
  },
  async proveBackends(run, backends, signal) {
    const nodes = isForced(run.file) ? [] : await nodeLocal.proveBackends(run, backends, signal)
    return [...nodes, ...(await throughService(run, backends, signal))]
  },
  besides: (run, signal) => throughService(run, run.controlPlanes, signal),
  async undo(run, done, call) {
    if (done.action.id === actionId)
      await run.agent(done.action.node).change('deleteApiService', {}, call, 'delete-service')
    else await nodeLocal.undo(run, done, call)
  },
}

/** Port of the Service, as clients outside dial it. */
export const portOutside = ({ loadBalancer, endpoint }: ClusterFile): number => loadBalancer.nodePort ?? endpoint.port

function warning(run: ConversionRun): Finding {
  return {
    id: 'load-balancer',
    severity: 'warning',
    message: `the nodes will reach the API through a Service of the cluster: ${circle}`,
    evidence: `loadBalancer.underKubelets: true, virtualIP ${run.file.loadBalancer.virtualIP}`,
    remedy: `Remove underKubelets: then the nodes have a proxy of their own. After a power failure, on ${run.first.name}: ip addr add ${run.file.loadBalancer.virtualIP}/32 dev lo, until the Service is announced again.`,
  }
}

async function planService(run: ConversionRun): Promise<readonly Action[]> {
  const apiService = await readApiService(run)
  const { file, first } = run
  const outside = portOutside(file)
  const { virtualIP } = file.loadBalancer
  const port = apiServerPort(await run.nodeFacts(first))
  const [type, shown] =
    virtualIP === undefined ? (['NodePort', 'nodePort'] as const) : (['LoadBalancer', 'port'] as const)
  const isThere = apiService?.ours === true && apiService.type === type && apiService[shown] === outside
  if (isThere && apiService.targetPort === port) return []
  const where = virtualIP === undefined ? `port ${outside} of every node` : `${virtualIP}:${outside}`
  const does = `make service/kube-system/quorate-apiserver, type ${type}: ${where} leads to the API servers that are ready`
  return [{ id: actionId, node: first.name, does, diffs: [] }]
}

/** `<pending>` is what a cluster without MetalLB, kube-vip or a cloud shows for ever. */
async function untilAnnounced(run: ConversionRun, { signal, progress }: ChangeCall): Promise<void> {
  const { virtualIP } = run.file.loadBalancer
  const look = async () => {
    const apiService = await readApiService(run, signal)
    const ready = apiService?.readyEndpoints ?? []
    if (ready.length === 0) return notYet('no API server is among its endpoints')
    if (virtualIP === undefined || apiService?.addresses.includes(virtualIP)) return holds(true)
    return notYet(`its address is ${apiService?.addresses.join(', ') || '<pending>: no controller gives it one'}`)
  }
  await until(`the Service to lead to an API server${virtualIP === undefined ? '' : ` at ${virtualIP}`}`, look, {
    deadlineMs: 60_000,
    everyMs: 500,
    signal,
    onWaiting: progress,
  })
}

/** As a client outside would: at the Service's address, or with a NodePort at that of a node. */
async function throughService(
  run: ConversionRun,
  backends: readonly NodeEntry[],
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  const at = run.file.loadBalancer.virtualIP ?? (run.workers[0] ?? run.first).address
  return meetBackends(run, backends, { seconds: 60, signal, at, port: portOutside(run.file), from: run.first })
}
