import { isDeepStrictEqual } from 'node:util'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { kubeVipLease, kubeVipUser } from '@quorate/shared/kube-vip-manifest'
import type { KubeApi } from '../../host/kube-api.js'
import { type BackupEntry, backupPlace, keepObject, readBackupIndex, readKept } from '../backup/store.js'
import { apiPath, type ObjectMeta } from '../cluster/kube-objects.js'
import type { ChangeContext } from '../context/operation.js'

const name = 'quorate-kube-vip'
const apiGroup = 'rbac.authorization.k8s.io'
const folder = `/apis/${apiGroup}/v1/namespaces/kube-system`
const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] }

/** An API object with its name in this run's backup. */
interface Granted {
  readonly name: string
  readonly folder: string
  readonly path: string
}

interface Right extends Granted {
  readonly kind: 'Role' | 'RoleBinding'
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * The rights of leader election (client-go, resourcelock/leaselock.go), for one Lease. RBAC cannot restrict `create` by name, because it evaluates the request before the
 * object has one.
 */
const role: Right = {
  kind: 'Role',
  name: `role/kube-system/${name}`,
  folder: `${folder}/roles`,
  path: `${folder}/roles/${name}`,
  body: {
    rules: [
      { ...leases, verbs: ['create'] },
      { ...leases, resourceNames: [kubeVipLease], verbs: ['get', 'update'] },
    ],
  },
}

const binding: Right = {
  kind: 'RoleBinding',
  name: `rolebinding/kube-system/${name}`,
  folder: `${folder}/rolebindings`,
  path: `${folder}/rolebindings/${name}`,
  body: {
    roleRef: { apiGroup, kind: 'Role', name },
    subjects: [{ apiGroup, kind: 'User', name: kubeVipUser }],
  },
}

/** kube-vip makes it itself. */
const lease: Granted = {
  name: `lease/kube-system/${kubeVipLease}`,
  folder: apiPath.systemLeases,
  path: `${apiPath.systemLeases}/${kubeVipLease}`,
}

type Found = { readonly metadata: ObjectMeta } & Readonly<Record<string, unknown>>

/** Makes or corrects the Role and its binding; records what existed before this run. */
export async function grantRights(context: ChangeContext): Promise<readonly TouchedObject[]> {
  const { tools, signal } = context
  const kube = await tools.kube()
  if ((await kube.get(lease.path, signal)) === undefined) await keepObject(backupPlace(context), lease.name, undefined)
  const touched: TouchedObject[] = []
  for (const right of [role, binding]) touched.push(...(await grant(context, kube, right)))
  return touched
}

async function grant(context: ChangeContext, kube: KubeApi, right: Right): Promise<TouchedObject[]> {
  const { signal } = context
  const present = await kube.get<Found>(right.path, signal)
  if (present !== undefined && isSo(present, right)) return []
  await keepObject(backupPlace(context), right.name, present === undefined ? undefined : textOf(present, right))
  if (present === undefined)
    await kube.create(
      right.folder,
      { apiVersion: `${apiGroup}/v1`, kind: right.kind, metadata: { name }, ...right.body },
      signal,
    )
  else await kube.replace(right.path, { ...present, ...right.body }, signal)
  return [{ name: right.name, sha256Before: '', sha256After: sha256Hex(JSON.stringify(right.body)) }]
}

/** The fields that this may change. */
const textOf = (present: Found, { body }: Right): string =>
  JSON.stringify(Object.fromEntries(Object.keys(body).map((field) => [field, present[field]])))

const isSo = (present: Found, { body }: Right): boolean =>
  Object.entries(body).every(([field, value]) => isDeepStrictEqual(present[field], value))

/** Whether both match. */
export async function areGranted(kube: KubeApi, signal: AbortSignal): Promise<boolean> {
  const found = await Promise.all(
    [role, binding].map(async (right) => [await kube.get<Found>(right.path, signal), right] as const),
  )
  return found.every(([present, right]) => present !== undefined && isSo(present, right))
}

/**
 * Deletes what this run made and restores what it changed, on the node that did it: the binding first, so that the Lease, which is deleted last,
 * is not renewed.
 */
export async function revokeRights(context: ChangeContext): Promise<readonly TouchedObject[]> {
  const { entries } = await readBackupIndex(backupPlace(context))
  const kept = [binding, role, lease].flatMap((one) => {
    const entry = entries.find(({ name }) => name === one.name)
    return entry === undefined ? [] : [{ ...one, entry }]
  })
  if (kept.length === 0) return []
  const kube = await context.tools.kube()
  const touched: TouchedObject[] = []
  for (const one of kept) touched.push(...(await putBack(context, kube, one)))
  return touched
}

async function putBack(
  context: ChangeContext,
  kube: KubeApi,
  { name, path, entry }: Granted & { readonly entry: BackupEntry },
): Promise<TouchedObject[]> {
  const { signal } = context
  const present = await kube.get<Found>(path, signal)
  if (present === undefined) return []
  if (entry.kind === 'absent') await kube.remove(path, signal)
  else {
    const before = JSON.parse((await readKept(backupPlace(context), entry)).toString('utf8')) as object
    if (isDeepStrictEqual({ ...present, ...before }, present)) return []
    await kube.replace(path, { ...present, ...before }, signal)
  }
  return [{ name, sha256Before: '', sha256After: '' }]
}
