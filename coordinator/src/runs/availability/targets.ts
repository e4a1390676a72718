import type { ClusterFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { AvailabilityTarget } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../../conversion/context/run.js'
import { clusterConfiguration } from '../../conversion/facts/cluster-configuration.js'
import { joinControlPlanes } from '../../conversion/steps/join-control-planes.js'
import { regenerateApiserverCertificate } from '../../conversion/steps/regenerate-apiserver-certificate.js'
import { startLoadBalancer } from '../../conversion/steps/start-load-balancer.js'
import type { ActionRecord, RunState, StepRecord } from '../../engine/fold.js'

/** Names of the targets that are not nodes. */
export const endpointTarget = 'endpoint'
export const writeTarget = 'write'
export const serviceTarget = 'service-kubernetes'
export const dnsTarget = 'cluster-dns'

/**
 * Two places probe each joined control plane, together 20 times a second: clients reach it only through the endpoint, which each place alone probes
 * as often, like the first control plane.
 */
const joinedEveryMs = 100

/** Where the first control plane's API server is reached; joiners listen on the same port. */
export interface FirstServer {
  readonly address: string
  readonly port: number
}

/**
 * What serves now, given what the run did so far: a server is probed from the moment when its own gate held until its undo begins. So a server that
 * does not serve yet is no failure.
 */
export function targetsOf(
  run: Pick<ConversionRun, 'file' | 'loadBalancer'>,
  state: RunState,
  first: FirstServer,
): readonly AvailabilityTarget[] {
  const [existing, ...joining] = run.file.controlPlanes as [NodeEntry, ...NodeEntry[]]
  const direct = (node: NodeEntry, host: string): AvailabilityTarget => ({
    name: node.name,
    host,
    port: first.port,
    serverName: host,
    write: false,
    everyMs: 0,
  })
  const here = direct(existing, first.address)
  const endpoint = endpointOf(run, state)
  const joined = joining.filter(({ name }) => hasJoined(state, name))
  return [
    ...(endpoint === undefined ? [] : [endpoint]),
    here,
    ...joined.map((node) => ({ ...direct(node, node.address), everyMs: joinedEveryMs })),
    { ...(endpoint ?? here), name: writeTarget, write: true },
  ]
}

/** By name as soon as the certificate has it; before that only the chain can be verified. */
function endpointOf(
  { file: { endpoint }, loadBalancer }: Pick<ConversionRun, 'file' | 'loadBalancer'>,
  state: RunState,
): AvailabilityTarget | undefined {
  if (!isTrue(stepOf(state, startLoadBalancer.id))) return undefined
  const serverName = isTrue(stepOf(state, regenerateApiserverCertificate.id)) ? endpoint.host : ''
  const host = loadBalancer.address() ?? endpoint.host
  return { name: endpointTarget, host, port: endpoint.port, serverName, write: false, everyMs: 0 }
}

const stepOf = ({ steps }: RunState, id: string): StepRecord | undefined => steps.find((step) => step.id === id)

const isTakenBack = ({ state }: ActionRecord): boolean =>
  state === 'undoing' || state === 'undone' || state === 'undo-failed'

/** Whether the result of a step is in place. */
const isTrue = (step: StepRecord | undefined): boolean =>
  step !== undefined && ['done', 'skipped'].includes(step.state) && !step.actions.some(isTakenBack)

/** One without an action in this run joined before. */
function hasJoined(state: RunState, node: string): boolean {
  const step = stepOf(state, joinControlPlanes.id)
  if (step === undefined) return false
  const record = step.actions.find(({ action }) => action.node === node)
  return record === undefined || record.state === 'verified'
}

/** How often a worker opens a new connection to the Service: a kept connection stays with its API server, whatever kube-proxy changes. */
const freshEveryMs = 200

/** What pods use, probed from a worker as pods do: cluster DNS and the API by the addresses of their Services. */
function workloadTargets(
  { kubernetesService, dnsService }: Pick<ClusterFacts, 'kubernetesService' | 'dnsService'>,
  dnsDomain: string,
): readonly AvailabilityTarget[] {
  const usual = { serverName: '', write: false, everyMs: 0 }
  return [
    ...(kubernetesService === undefined
      ? []
      : [
          {
            ...usual,
            name: serviceTarget,
            host: kubernetesService.address,
            port: kubernetesService.port,
            serverName: kubernetesService.address,
            freshEveryMs,
          },
        ]),
    ...(dnsService === undefined
      ? []
      : [
          {
            ...usual,
            name: dnsTarget,
            host: dnsService.address,
            port: dnsService.port,
            dnsName: `kubernetes.default.svc.${dnsDomain}`,
          },
        ]),
  ]
}

/** The targets of a run; none where the cluster does not report them. */
export async function readWorkloadTargets(run: ConversionRun): Promise<readonly AvailabilityTarget[]> {
  const domain = async () => (await clusterConfiguration(run))?.dnsDomain ?? 'cluster.local'
  return Promise.all([run.clusterFacts(), domain()]).then(
    ([facts, dnsDomain]) => workloadTargets(facts, dnsDomain),
    () => [],
  )
}

export const isForWorkloads = (target: string): boolean => target === serviceTarget || target === dnsTarget
