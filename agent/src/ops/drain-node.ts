import { coreDnsLabel } from '@quorate/shared/core-dns-labels'
import { asQuorateError } from '@quorate/shared/errors'
import type { DrainNodeRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { plural } from '@quorate/shared/plural'
import { holds, notYet, until } from '@quorate/shared/until'
import type { KubeApi } from '../host/kube-api.js'
import { readNodeName } from './cluster/control-plane.js'
import { requireJoinedBy } from './cluster/join-marker.js'
import { apiPath, type List, type Node, type Pod, type Workload } from './cluster/kube-objects.js'
import { isMovable, moveDnsPod, untilWhole } from './cluster/move-dns-pod.js'
import { type ChangeContext, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** A pod has 30 s to end unless it asks for more; what takes longer ends with its node. */
const endsWithinMs = 45_000
/** A PodDisruptionBudget may never allow it: the node leaves anyway. */
const refusedForMs = 30_000
const replacedWithinMs = 30_000

/**
 * Evicts the pods of a control plane that leaves, one after the other. Without it, a reset kills its pods and their Services keep sending to them until
 * the Node is deleted: CoreDNS, which a conversion spreads over the control planes, then loses one query in three for seconds.
 */
export const drainNode = changeOperation<DrainNodeRequest>(
  async (_, context) => {
    const { tools, header, signal } = context
    await requireJoinedBy(tools, header.runId)
    const [kube, name] = await Promise.all([tools.kube(), readNodeName(tools.host)])
    if ((await kube.get<Node>(apiPath.node(name), signal)) === undefined) return unchanged(`there is no Node ${name}`)
    await kube.patch(apiPath.node(name), { spec: { unschedulable: true } }, signal)
    const pods = await evictable(kube, name, signal)
    for (const pod of pods) await evict(kube, pod, context)
    const left = await evictable(kube, name, signal)
    return changed({
      summary: `evicted ${plural(pods.length - left.length, 'pod')}${left.length === 0 ? '' : `; not evicted: ${left.map(nameOf).join(', ')}`}`,
    })
  },
  {
    evidence: async (_, { tools, signal }) => {
      const [kube, name] = await Promise.all([tools.kube(), readNodeName(tools.host)])
      return doneIf((await evictable(kube, name, signal)).length === 0)
    },
  },
)

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`

/** Not static pods, which are the control plane itself, not those of DaemonSets, which would return, and not finished pods. */
async function evictable(kube: KubeApi, node: string, signal: AbortSignal): Promise<readonly Pod[]> {
  const pods = await kube.get<List<Pod>>(apiPath.podsOn(node), signal)
  return (pods?.items ?? []).filter(
    ({ metadata, status }) =>
      metadata.annotations?.['kubernetes.io/config.mirror'] === undefined &&
      metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node') !== true &&
      !['Succeeded', 'Failed'].includes(status?.phase ?? ''),
  )
}

async function evict(kube: KubeApi, pod: Pod, context: ChangeContext): Promise<void> {
  const { signal, progress } = context
  progress(`evicting ${nameOf(pod)}`)
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace },
  }
  const ask = async () =>
    kube.create(`${apiPath.pod(pod)}/eviction`, eviction, signal).then(
      () => holds(true),
      (thrown: unknown) => {
        const { code, message } = asQuorateError(thrown)
        if (code !== 'API_SERVER_REFUSED') throw thrown
        return / 404:/.test(message) ? holds(true) : notYet(message)
      },
    )
  const isGone = async () =>
    (await kube.get<Pod>(apiPath.pod(pod), signal)) === undefined ? holds(true) : notYet('it ends')
  try {
    if (!(await movedDns(kube, pod, context)))
      await until(`${nameOf(pod)} to be evicted`, ask, { deadlineMs: refusedForMs, everyMs: 1_000, signal })
    await until(`${nameOf(pod)} to end`, isGone, { deadlineMs: endsWithinMs, everyMs: 250, signal })
    await untilDnsIsWhole(kube, pod, signal)
  } catch (error) {
    signal.throwIfAborted()
    progress(asQuorateError(error).message)
  }
}

/** A pod of CoreDNS leaves its Service before it ends; false for another one, and where it must be evicted like one. */
async function movedDns(kube: KubeApi, pod: Pod, { signal, progress }: ChangeContext): Promise<boolean> {
  if (pod.metadata.labels?.[coreDnsLabel.name] !== coreDnsLabel.serving) return false
  const deployment = await kube.get<Workload>(apiPath.coreDns, signal)
  if (deployment === undefined || !isMovable(deployment)) return false
  return moveDnsPod(kube, pod, signal).then(
    () => true,
    (error: unknown) => {
      signal.throwIfAborted()
      progress(`${nameOf(pod)}: ${asQuorateError(error).message}`)
      return false
    },
  )
}

/** The next pod of CoreDNS is evicted after the previous one was replaced: no budget protects them. */
async function untilDnsIsWhole(kube: KubeApi, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  if (metadata.labels?.[coreDnsLabel.name] === coreDnsLabel.serving) await untilWhole(kube, signal, replacedWithinMs)
}
