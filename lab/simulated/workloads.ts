import { createHash } from 'node:crypto'
import { type KubeObject, keyOf, type ObjectStore, resourceOf } from './store.js'

interface Template {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
  spec?: Record<string, unknown>
}

const hashOf = (template: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(template ?? null))
    .digest('hex')
    .slice(0, 10)
const suffix = (): string => Math.random().toString(36).slice(2, 7)
const isTrue = ({ status }: KubeObject, condition: string): boolean =>
  ((status?.['conditions'] ?? []) as { type: string; status: string }[]).some(
    ({ type, status: is }) => type === condition && is === 'True',
  )
const isReady = (pod: KubeObject): boolean => isTrue(pod, 'Ready')
const isNodeReady = (node: KubeObject): boolean => isTrue(node, 'Ready')

function podsOf(store: ObjectStore, app: string): KubeObject[] {
  return store.list(resourceOf('pods'), 'kube-system').filter(({ metadata }) => metadata.labels?.['k8s-app'] === app)
}

function createPod(
  store: ObjectStore,
  template: Template,
  owner: { kind: 'DaemonSet' | 'ReplicaSet'; name: string; revision: Record<string, string>; node: string },
): void {
  const name = `${owner.name}-${suffix()}`
  const labels = { ...template.metadata?.labels, ...owner.revision }
  const annotations = template.metadata?.annotations ?? {}
  store.create(keyOf('pods', 'kube-system', name), {
    metadata: { name, labels, annotations, ownerReferences: [{ kind: owner.kind, name: owner.name }] },
    spec: { nodeName: owner.node, ...template.spec },
    status: { phase: 'Pending' },
  })
}

/** The DaemonSet controller: one pod a node, replaced one at a time (maxUnavailable 1) when the template changes. */
export function rollDaemonSets(store: ObjectStore): void {
  const set = store.get(keyOf('daemonsets', 'kube-system', 'kube-proxy'))
  if (set === undefined) return
  const template = set.spec?.['template'] as Template
  const hash = hashOf(template)
  const wanted = Object.entries((template.spec?.['nodeSelector'] ?? {}) as Record<string, string>)
  const nodes = store
    .list(resourceOf('nodes'))
    .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels?.[label] === value))
    .map(({ metadata }) => metadata.name)
  const pods = podsOf(store, 'kube-proxy')
  for (const pod of pods.filter(({ spec }) => !nodes.includes(String(spec?.['nodeName']))))
    store.remove(keyOf('pods', 'kube-system', pod.metadata.name))
  const missing = nodes.filter((node) => !pods.some(({ spec }) => spec?.['nodeName'] === node))
  for (const node of missing)
    createPod(store, template, {
      kind: 'DaemonSet',
      name: 'kube-proxy',
      revision: { 'controller-revision-hash': hash },
      node,
    })
  // The pod of a node that is not Ready is unavailable; only one may be, so the rollout waits until the node is back.
  const ready = new Set(
    store
      .list(resourceOf('nodes'))
      .filter(isNodeReady)
      .map(({ metadata }) => metadata.name),
  )
  const isAvailable = (pod: KubeObject): boolean => isReady(pod) && ready.has(String(pod.spec?.['nodeName']))
  const unavailable = pods.filter((pod) => !isAvailable(pod))
  const [old] = pods.filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] !== hash)
  const { type } = (set.spec?.['updateStrategy'] ?? {}) as { type?: string }
  if (old !== undefined && missing.length === 0 && unavailable.length === 0 && type !== 'OnDelete')
    store.remove(keyOf('pods', 'kube-system', old.metadata.name))
  const now = podsOf(store, 'kube-proxy')
  const updated = now.filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] === hash)
  const available = now.filter(isAvailable)
  const status = {
    observedGeneration: set.metadata.generation ?? 1,
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: now.length,
    updatedNumberScheduled: updated.length,
    numberReady: available.length,
    numberAvailable: available.length,
    numberUnavailable: nodes.length - available.length,
    numberMisscheduled: 0,
  }
  store.apply(keyOf('daemonsets', 'kube-system', 'kube-proxy'), { ...set, status })
}

/** Compares the nodeSelector only: no node of the laboratory has a taint that kubeadm's CoreDNS does not tolerate. */
function fits({ metadata }: KubeObject, { spec }: Template): boolean {
  const selector = Object.entries((spec?.['nodeSelector'] ?? {}) as Record<string, string>)
  return selector.every(([label, value]) => metadata.labels?.[label] === value)
}

/** The Deployment controller and scheduler for CoreDNS: new pods start before old ones end; each on the node with the fewest of both. */
export function rollCoreDns(store: ObjectStore): void {
  const deployment = store.get(keyOf('deployments', 'kube-system', 'coredns'))
  if (deployment === undefined) return
  const replicas = Number(deployment.spec?.['replicas'] ?? 0)
  if (deployment.spec?.['paused'] === true) return
  const template = deployment.spec?.['template'] as Template
  const hash = hashOf(template)
  const pods = podsOf(store, 'kube-dns')
  const present = pods.filter(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash)
  const old = pods.filter((pod) => !present.includes(pod))
  for (const pod of present.slice(replicas)) store.remove(keyOf('pods', 'kube-system', pod.metadata.name))
  const ready = store
    .list(resourceOf('nodes'))
    .filter((node) => isNodeReady(node) && node.spec?.['unschedulable'] !== true && fits(node, template))
  if (present.length < replicas) {
    const load = (node: string): number => pods.filter(({ spec }) => spec?.['nodeName'] === node).length
    const [best] = ready.map(({ metadata }) => metadata.name).sort((a, b) => load(a) - load(b))
    if (best !== undefined)
      createPod(store, template, {
        kind: 'ReplicaSet',
        name: `coredns-${hash}`,
        revision: { 'pod-template-hash': hash },
        node: best,
      })
  } else if (present.every(isReady)) {
    for (const pod of old) store.remove(keyOf('pods', 'kube-system', pod.metadata.name))
  }
  const now = podsOf(store, 'kube-dns')
  const updated = now.filter(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash)
  const available = now.filter(isReady).length
  const status = {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: now.length,
    updatedReplicas: updated.length,
    readyReplicas: available,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, replicas - available),
  }
  store.apply(keyOf('deployments', 'kube-system', 'coredns'), { ...deployment, status })
}
