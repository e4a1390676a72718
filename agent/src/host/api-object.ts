type Kind = (value: unknown) => boolean

const isObject: Kind = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText: Kind = (value) => typeof value === 'string'
const isNumber: Kind = (value) => Number.isSafeInteger(value)
const isListOf =
  (kind: Kind): Kind =>
  (value) =>
    Array.isArray(value) && value.every(kind)
const isTextByName: Kind = (value) => isObject(value) && Object.values(value as object).every(isText)
const either =
  (...kinds: readonly Kind[]): Kind =>
  (value) =>
    kinds.some((kind) => kind(value))

const namesOf = (kind: Kind, ...names: readonly string[]): readonly (readonly [string, Kind])[] =>
  names.map((name) => [name, kind])

/** The fields of API objects that operations read (ops/cluster/kube-objects.ts), by name: what each is wherever it stands. */
const kinds: ReadonlyMap<string, Kind> = new Map([
  ...namesOf(isObject, 'metadata', 'spec', 'template', 'nodeInfo', 'updateStrategy', 'clientConfig', 'loadBalancer'),
  ...namesOf(isListOf(isObject), 'items', 'ownerReferences', 'managedFields', 'taints', 'containerStatuses'),
  ...namesOf(
    isListOf(isObject),
    'containers',
    'initContainers',
    'env',
    'tolerations',
    'webhooks',
    'ports',
    'endpoints',
  ),
  ...namesOf(isListOf(isText), 'command', 'args'),
  ...namesOf(isTextByName, 'labels', 'annotations', 'data', 'nodeSelector'),
  ...namesOf(isText, 'name', 'namespace', 'uid', 'resourceVersion', 'continue', 'gitVersion', 'creationTimestamp'),
  ...namesOf(isText, 'deletionTimestamp', 'nodeName', 'providerID', 'kubeletVersion', 'osImage', 'clusterIP', 'phase'),
  ...namesOf(isText, 'externalName', 'holderIdentity', 'renewTime', 'startTime', 'lastHeartbeatTime', 'certificate'),
  ...namesOf(isText, 'username', 'reason', 'message', 'effect', 'key'),
  ...namesOf(isNumber, 'generation', 'observedGeneration', 'replicas', 'availableReplicas', 'nodePort'),
  ...namesOf(isNumber, 'desiredNumberScheduled', 'updatedNumberScheduled', 'numberAvailable'),
  // A Node's addresses are objects, an EndpointSlice's texts; conditions of an endpoint are one object, any others a list.
  ...namesOf(either(isListOf(isObject), isListOf(isText)), 'addresses'),
  ...namesOf(either(isListOf(isObject), isObject), 'conditions'),
  ...namesOf(either(isNumber, isText), 'port', 'targetPort'),
  ...namesOf(either(isObject, isText), 'status'),
])

/** What is below has names that users give. */
const ownNames: ReadonlySet<string> = new Set(['labels', 'annotations', 'data', 'nodeSelector', 'fieldsV1'])

/**
 * Throws where an answer of an API server is not what every API server answers: the operations read its fields without asking. What is
 * absent or null is fine. Not recursive.
 */
export function requireApiObject(value: unknown): void {
  if (!isObject(value)) throw new Error('the answer is not an object')
  const open: (readonly [string, unknown])[] = Object.entries(value as object)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [name, field] = next
    if (field === null || field === undefined) continue
    if (kinds.get(name)?.(field) === false) throw new Error(`${name} in the answer is not what the API says`)
    if (typeof field !== 'object' || ownNames.has(name)) continue
    if (Array.isArray(field)) for (const item of field) open.push(['', item])
    else for (const entry of Object.entries(field)) open.push(entry)
  }
}
