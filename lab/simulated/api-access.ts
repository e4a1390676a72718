import type { TLSSocket } from 'node:tls'
import { parse } from 'yaml'
import type { SimulatedNode } from './node.js'
import type { ObjectStore } from './store.js'
import { keyOf, resourceOf } from './store.js'

export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

export interface Attributes {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete'
  /** '' for a path that is no resource. */
  readonly plural: string
  readonly namespace: string
  readonly name: string
  readonly path: string
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

interface AuthenticationConfiguration {
  anonymous?: { enabled?: boolean; conditions?: { path: string }[] }
}

/** Whether requests without credentials are refused before authorization: --anonymous-auth, or since 1.31 the paths of an AuthenticationConfiguration. */
export function refusesAnonymous(node: SimulatedNode, flags: ReadonlyMap<string, string>, path: string): boolean {
  if (flags.get('anonymous-auth') === 'false') return true
  const file = flags.get('authentication-config')
  const { anonymous: asked } = file === undefined ? {} : (parse(node.must(file)) as AuthenticationConfiguration)
  if (asked === undefined) return false
  if (asked.enabled === false) return true
  return asked.conditions !== undefined && !asked.conditions.some((condition) => condition.path === path)
}

/** The user of a request: from a client certificate of the cluster's CA, a bootstrap token or a service account's token; 'invalid' for invalid credentials. */
export function authenticate(
  socket: TLSSocket,
  authorization: string | undefined,
  store: ObjectStore,
): User | 'invalid' {
  const peer = socket.getPeerCertificate()
  if (peer !== undefined && Object.keys(peer).length > 0) {
    if (!socket.authorized) return 'invalid'
    const organizations: unknown = peer.subject.O ?? []
    const groups = (Array.isArray(organizations) ? organizations : [organizations]) as string[]
    return { name: String(peer.subject.CN), groups: [...groups, 'system:authenticated'] }
  }
  if (authorization === undefined) return anonymous
  const token = authorization.replace(/^Bearer /, '')
  const bootstrap = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token)
  if (bootstrap !== null) return bootstrapUser(bootstrap[1] ?? '', bootstrap[2] ?? '', store)
  const account = /^service-account:(.+)$/.exec(token)
  return account === null
    ? 'invalid'
    : {
        name: `system:serviceaccount:kube-system:${account[1]}`,
        groups: ['system:serviceaccounts', 'system:authenticated'],
      }
}

const decoded = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString()

function bootstrapUser(id: string, secret: string, store: ObjectStore): User | 'invalid' {
  const { data, type } = store.get(keyOf('secrets', 'kube-system', `bootstrap-token-${id}`)) ?? {}
  if (data === undefined || type !== 'bootstrap.kubernetes.io/token') return 'invalid'
  if (decoded(data['token-id']) !== id || decoded(data['token-secret']) !== secret) return 'invalid'
  if (decoded(data['usage-bootstrap-authentication']) !== 'true') return 'invalid'
  const expiration = decoded(data['expiration'])
  if (expiration !== '' && Date.parse(expiration) <= Date.now()) return 'invalid'
  const extra = decoded(data['auth-extra-groups'])
    .split(',')
    .filter((group) => group !== '')
  return { name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra, 'system:authenticated'] }
}

const publicPaths = new Set(['/readyz', '/livez', '/healthz', '/version'])
const bootstrapReads = new Set([
  'configmaps kube-system kubeadm-config',
  'configmaps kube-system kubelet-config',
  'configmaps kube-system kube-proxy',
  'secrets kube-system kubeadm-certs',
])

/** The RBAC of a kubeadm cluster as far as the laboratory needs it: rules of kubeadm's own components, and Roles with their bindings for all others. */
export function allows(user: User, attributes: Attributes, store: ObjectStore): boolean {
  return allowsParts(user, attributes) || allowsByRole(user, attributes, store)
}

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

interface Binding {
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[]
  readonly roleRef?: { readonly kind: string; readonly name: string }
}

/** Roles of the namespace that are bound to this user by name. A rule with names does not apply to an object without a name yet. */
function allowsByRole(user: User, { verb, plural, namespace, name }: Attributes, store: ObjectStore): boolean {
  if (plural === '' || namespace === '') return false
  const { group } = resourceOf(plural)
  return store.list(resourceOf('rolebindings'), namespace).some((object) => {
    const { subjects = [], roleRef } = object as unknown as Binding
    if (!subjects.some((subject) => subject.kind === 'User' && subject.name === user.name)) return false
    const role = store.get(keyOf('roles', namespace, roleRef?.name ?? ''))
    return ((role?.['rules'] ?? []) as readonly Rule[]).some(
      ({ apiGroups, resources, verbs, resourceNames }) =>
        apiGroups.includes(group) &&
        resources.includes(plural) &&
        verbs.includes(verb) &&
        (resourceNames === undefined || resourceNames.includes(name)),
    )
  })
}

function allowsParts(user: User, { verb, plural, namespace, name, path }: Attributes): boolean {
  if (publicPaths.has(path)) return true
  if (user.groups.includes('system:masters') || user.groups.includes('kubeadm:cluster-admins')) return true
  // Bound only to system:anonymous: a bootstrap token may not.
  if (user === anonymous && `${verb} ${plural} ${namespace} ${name}` === 'get configmaps kube-public cluster-info')
    return true
  if (user.groups.includes('system:bootstrappers:kubeadm:default-node-token')) {
    if (plural === 'certificatesigningrequests') return verb === 'create' || verb === 'get'
    if (plural === 'nodes') return verb === 'get'
    return verb === 'get' && bootstrapReads.has(`${plural} ${namespace} ${name}`)
  }
  if (user.groups.includes('system:nodes'))
    return allowsNode(user.name.replace('system:node:', ''), { verb, plural, namespace, name, path })
  if (user.name === 'system:kube-controller-manager' || user.name === 'system:kube-scheduler')
    return plural !== 'secrets' || verb === 'get'
  // system:controller:daemon-set-controller and the like.
  if (/^system:serviceaccount:kube-system:[a-z-]+-controller$/.test(user.name) && plural === 'pods') return true
  return user.name.startsWith('system:serviceaccount:') && (verb === 'get' || verb === 'list') && plural !== 'secrets'
}

function allowsNode(node: string, { verb, plural, namespace, name }: Attributes): boolean {
  if (plural === 'nodes') return verb === 'list' || name === node || verb === 'create'
  if (plural === 'leases') return namespace === 'kube-node-lease' && (name === node || verb === 'create')
  if (plural === 'pods') return true
  if (plural === 'certificatesigningrequests' && verb === 'create') return true
  return (
    (verb === 'get' || verb === 'list') &&
    (plural === 'configmaps' || plural === 'services' || plural === 'certificatesigningrequests')
  )
}
