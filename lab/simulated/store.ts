import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'

export interface Metadata {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  managedFields?: readonly { operation: string; time: string }[]
  ownerReferences?: unknown[]
}

/** An object of the Kubernetes API; fields other than metadata are untyped and checked where they are used. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: Metadata
  data?: Record<string, string>
  type?: string
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  [field: string]: unknown
}

export interface Resource {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const resource = (group: string, plural: string, kind: string, namespaced = true, version = 'v1'): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced,
})

/** The kinds that this API server knows; others are 404. */
export const resources: readonly Resource[] = [
  resource('', 'configmaps', 'ConfigMap'),
  resource('', 'secrets', 'Secret'),
  resource('', 'pods', 'Pod'),
  resource('', 'services', 'Service'),
  resource('', 'serviceaccounts', 'ServiceAccount'),
  resource('', 'nodes', 'Node', false),
  resource('', 'namespaces', 'Namespace', false),
  resource('apps', 'daemonsets', 'DaemonSet'),
  resource('apps', 'deployments', 'Deployment'),
  resource('apps', 'statefulsets', 'StatefulSet'),
  resource('coordination.k8s.io', 'leases', 'Lease'),
  resource('discovery.k8s.io', 'endpointslices', 'EndpointSlice'),
  resource('rbac.authorization.k8s.io', 'roles', 'Role'),
  resource('rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding'),
  resource('rbac.authorization.k8s.io', 'clusterroles', 'ClusterRole', false),
  resource('rbac.authorization.k8s.io', 'clusterrolebindings', 'ClusterRoleBinding', false),
  resource('certificates.k8s.io', 'certificatesigningrequests', 'CertificateSigningRequest', false),
  resource('admissionregistration.k8s.io', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', false),
  resource('', 'resourcequotas', 'ResourceQuota'),
  resource('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', false),
]

/** An answer of the API that is not a success, as `Status` objects carry it. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

export interface ObjectKey {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
}

/** What etcd holds: one set of objects for all API servers, with etcd's revision as resourceVersion. Returned objects are frozen. */
export class ObjectStore {
  revision = 100
  private readonly objects = new Map<string, KubeObject>()
  private dry = false

  /** The result of the work; nothing is stored. */
  dryRun(work: (store: ObjectStore) => KubeObject): KubeObject {
    this.dry = true
    try {
      return work(this)
    } finally {
      this.dry = false
    }
  }

  get(key: ObjectKey): KubeObject | undefined {
    return this.objects.get(keyText(key))
  }

  list(wanted: Resource, namespace?: string): KubeObject[] {
    const prefix = `${wanted.group}/${wanted.plural}/${namespace === undefined ? '' : `${namespace}/`}`
    const found = [...this.objects].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
    return found.map(([, object]) => object)
  }

  create(key: ObjectKey, object: KubeObject): KubeObject {
    if (this.objects.has(keyText(key))) {
      throw new StatusError(409, 'AlreadyExists', `${key.resource.plural} "${key.name}" already exists`)
    }
    const { resource: kind } = key
    return this.put(key, {
      ...object,
      apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
      kind: kind.kind,
      metadata: {
        ...object.metadata,
        name: key.name,
        ...(kind.namespaced ? { namespace: key.namespace } : {}),
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        ...('spec' in object ? { generation: 1 } : {}),
      },
    })
  }

  /** PUT. A resourceVersion in the body that is not the present one is a conflict. */
  update(key: ObjectKey, object: KubeObject): KubeObject {
    const present = this.objects.get(keyText(key))
    if (present === undefined) throw notFound(key)
    const wanted = object.metadata.resourceVersion
    if (wanted !== undefined && wanted !== present.metadata.resourceVersion) {
      const said = 'the object has been modified; please apply your changes to the latest version and try again'
      throw new StatusError(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${key.resource.plural} "${key.name}": ${said}`,
      )
    }
    const { uid, creationTimestamp, generation, managedFields } = present.metadata
    const specChanged = JSON.stringify(present.spec) !== JSON.stringify(object.spec)
    const next: KubeObject = {
      ...object,
      apiVersion: present.apiVersion ?? 'v1',
      kind: present.kind ?? '',
      metadata: {
        ...object.metadata,
        name: key.name,
        ...(key.resource.namespaced ? { namespace: key.namespace } : {}),
        ...(uid === undefined ? {} : { uid }),
        ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
        ...(managedFields === undefined ? {} : { managedFields }),
        ...(generation === undefined ? {} : { generation: generation + (specChanged ? 1 : 0) }),
      },
    }
    // Like the real one: a write that changes nothing makes no new revision.
    const { resourceVersion } = present.metadata
    if (resourceVersion !== undefined) next.metadata.resourceVersion = resourceVersion
    return isDeepStrictEqual(JSON.parse(JSON.stringify(next, withoutEmptyMaps)), present)
      ? present
      : this.put(key, next)
  }

  /** Creates or replaces without a precondition: for the controllers. */
  apply(key: ObjectKey, object: KubeObject): KubeObject {
    return this.objects.has(keyText(key))
      ? this.update(key, { ...object, metadata: withoutVersion(object.metadata) })
      : this.create(key, object)
  }

  /** JSON merge patch (RFC 7396). */
  patch(key: ObjectKey, patch: unknown): KubeObject {
    const present = this.objects.get(keyText(key))
    if (present === undefined) throw notFound(key)
    const merged = mergePatch(structuredClone(present), patch) as KubeObject
    const demanded = (patch as Partial<KubeObject> | null)?.metadata?.resourceVersion
    return this.update(key, {
      ...merged,
      metadata: demanded === undefined ? withoutVersion(merged.metadata) : merged.metadata,
    })
  }

  remove(key: ObjectKey): KubeObject {
    const present = this.objects.get(keyText(key))
    if (present === undefined) throw notFound(key)
    if (this.dry) return present
    this.objects.delete(keyText(key))
    this.revision++
    return present
  }

  /** Every object by its key: what a test compares before and after. */
  dump(): Record<string, KubeObject> {
    return Object.fromEntries([...this.objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, o]) => [k, o]))
  }

  /** Secrets of every bootstrap token ever made: none of them may be found on a disk. */
  readonly tokenSecrets = new Set<string>()

  private put(key: ObjectKey, object: KubeObject): KubeObject {
    if (this.dry) return JSON.parse(JSON.stringify(object, withoutEmptyMaps)) as KubeObject
    this.revision++
    const token = object.type === 'bootstrap.kubernetes.io/token' ? object.data?.['token-secret'] : undefined
    if (token !== undefined) this.tokenSecrets.add(Buffer.from(token, 'base64').toString())
    const kept = JSON.parse(JSON.stringify(object, withoutEmptyMaps)) as KubeObject
    kept.metadata.resourceVersion = String(this.revision)
    // Time of the last write, only for ConfigMaps: pods that read them must be newer.
    if (key.resource.plural === 'configmaps')
      kept.metadata.managedFields = [{ operation: 'Update', time: new Date().toISOString().replace(/\.\d+Z$/, 'Z') }]
    this.objects.set(keyText(key), deepFrozen(kept))
    return kept
  }
}

const keyText = ({ resource: kind, namespace, name }: ObjectKey): string =>
  kind.namespaced ? `${kind.group}/${kind.plural}/${namespace}/${name}` : `${kind.group}/${kind.plural}/${name}`

export const notFound = (key: ObjectKey): StatusError =>
  new StatusError(404, 'NotFound', `${key.resource.plural} "${key.name}" not found`)

/** Go omits an empty map (omitempty). */
const withoutEmptyMaps = (name: string, value: unknown): unknown =>
  (name === 'annotations' || name === 'labels') && isRecord(value) && Object.keys(value).length === 0
    ? undefined
    : value

function withoutVersion({ resourceVersion: _, ...rest }: Metadata): Metadata {
  return rest
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const each of Object.values(Object.freeze(value))) deepFrozen(each)
  return value
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? target : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

const byPlural = new Map(resources.map((kind) => [kind.plural, kind]))

/** Key of an object by the plural of its kind; throws for a kind that the laboratory does not have. */
export function keyOf(plural: string, namespace: string, name: string): ObjectKey {
  return { resource: resourceOf(plural), namespace, name }
}

export function resourceOf(plural: string): Resource {
  const kind = byPlural.get(plural)
  if (kind === undefined) throw new Error(`no such kind in the laboratory: ${plural}`)
  return kind
}
