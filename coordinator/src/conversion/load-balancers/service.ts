import { holds, notYet, until } from '@quorate/shared/until'
import type { ClusterFile, NodeEntry } from '../../config/cluster-file.js'
import type { Action, Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from '../context/finding.js'
import type { LoadBalancer } from '../context/load-balancer.js'
import type { ConversionRun } from '../context/run.js'
import { readApiService } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { meetBackends } from './meet-backends.js'
import { nodeLocal } from './node-local.js'

const actionId = 'service'

const circle =
  'kube-proxy and the controller that announces the address need the API before kubelets can reach the API through it: after a power failure of all machines nothing starts by itself (openelb#125, metallb#168)'

/**
 * The Service of the documented procedure: type LoadBalancer with the virtual IP, else NodePort. It is for clients outside the cluster. The nodes
 * do not use it, because of the circular dependency above: they have the haproxy of node-local, unless the file sets underKubelets.
 */
export function service(run: ConversionRun): LoadBalancer {
  const { file } = run
  const { virtualIP, nodePort, underKubelets: isForced } = file.loadBalancer
  const { host } = file.endpoint
  const ofNodes = nodeLocal(run)
  return {
    name: 'service',
    runBy: 'cluster',
    programs: ['haproxy'],
    inspect: 'kubectl -n kube-system get service,endpointslices; on a node: systemctl status quorate-haproxy',
    frontends: () => (isForced ? [] : ofNodes.frontends()),
    address: () => (isForced ? virtualIP : ofNodes.address()),
    movingAddress: () => undefined,
    hostsAddress() {
      if (!isForced) return ofNodes.hostsAddress()
      return file.policy.manageHosts ? virtualIP : undefined
    },
    sans: () => (virtualIP === undefined ? [] : [virtualIP]),
    forOutside: () =>
      virtualIP === undefined
        ? `clients outside the cluster use the Service at https://${host}:${nodePort}: publish ${host} in DNS with the addresses of several nodes`
        : `clients outside the cluster use the Service: publish ${host} in DNS with ${virtualIP}`,
    check: async () => (isForced ? [warning(run)] : ofNodes.check()),
    async plan() {
      const nodes = isForced ? [] : await ofNodes.plan()
      return [...nodes, ...(await planService(run))]
    },
    apply: (action, call) => (action.id === actionId ? applyService(run, call) : ofNodes.apply(action, call)),
    async setBackends(pool, call) {
      if (!isForced) await ofNodes.setBackends(pool, call)
      call.progress('the endpoints of the Service are the ready API servers')
    },
    async proveBackends(backends, signal) {
      const nodes = isForced ? [] : await ofNodes.proveBackends(backends, signal)
      return [...nodes, ...(await throughService(run, backends, signal))]
    },
    besides: (signal) => throughService(run, run.controlPlanes, signal),
    async undo(done, call) {
      if (done.action.id === actionId)
        await run.agent(done.action.node).change('deleteApiService', {}, call, 'delete-service')
      else await ofNodes.undo(done, call)
    },
  }
}

/** Port of the Service, as clients outside dial it. */
export const portOutside = ({ loadBalancer, endpoint }: ClusterFile): number => loadBalancer.nodePort ?? endpoint.port

function warning(run: ConversionRun): Finding {
  return {
    id: 'load-balancer',
    severity: 'warning',
    message: `the nodes will reach the API through a Service of the cluster: ${circle}`,
    evidence: `loadBalancer.underKubelets: true, virtualIP ${run.file.loadBalancer.virtualIP}`,
    remedy: `Remove underKubelets: then each node has its own proxy. After a power failure, run on ${run.first.name} until the Service is announced again: ip addr add ${run.file.loadBalancer.virtualIP}/32 dev lo`,
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
  const does = `create service/kube-system/quorate-apiserver, type ${type}: ${where} routes to the ready API servers`
  return [{ id: actionId, node: first.name, does, diffs: [] }]
}

async function applyService(run: ConversionRun, call: ChangeCall): Promise<void> {
  const { file, first } = run
  const targetPort = apiServerPort(await run.nodeFacts(first))
  const request = { port: portOutside(file), targetPort, address: file.loadBalancer.virtualIP ?? '' }
  await run.agent(first).change('applyApiService', request, call, 'service')
  await untilAnnounced(run, call)
  await throughService(run, [first], call.signal)
}

/** A cluster without MetalLB, kube-vip or a cloud shows `<pending>` forever. */
async function untilAnnounced(run: ConversionRun, { signal, progress }: ChangeCall): Promise<void> {
  const { virtualIP } = run.file.loadBalancer
  const look = async () => {
    const apiService = await readApiService(run, signal)
    const ready = apiService?.readyEndpoints ?? []
    if (ready.length === 0) return notYet('its endpoints include no API server')
    if (virtualIP === undefined || apiService?.addresses.includes(virtualIP)) return holds(true)
    return notYet(`its address is ${apiService?.addresses.join(', ') || '<pending>: no controller gives it one'}`)
  }
  await until(`the Service to route to an API server${virtualIP === undefined ? '' : ` at ${virtualIP}`}`, look, {
    deadlineMs: 60_000,
    everyMs: 500,
    signal,
    onWaiting: progress,
  })
}

/** Connects as a client outside does: to the Service's address, or with a NodePort to that of a node. */
async function throughService(
  run: ConversionRun,
  backends: readonly NodeEntry[],
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  const at = run.file.loadBalancer.virtualIP ?? (run.workers[0] ?? run.first).address
  return meetBackends(run, backends, { seconds: 60, signal, at, port: portOutside(run.file), from: run.first })
}
