import { request } from 'node:https'
import type { User } from './api-access.js'
import { type KubeObject, type ObjectKey, type ObjectStore, resourceOf, StatusError } from './store.js'

/** A change for admission to review. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly key: ObjectKey
  readonly object: KubeObject | undefined
  readonly user: User
  readonly dryRun: boolean
}

interface Webhook {
  readonly name: string
  readonly sideEffects?: string
  readonly failurePolicy?: string
  readonly clientConfig?: { readonly url?: string; readonly caBundle?: string }
  readonly rules?: readonly {
    readonly operations: readonly string[]
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
  }[]
}

/** Validating webhooks and object count quotas, which kube-apiserver evaluates before it stores, also in a dry run. */
export async function admit(store: ObjectStore, asked: AdmissionRequest): Promise<void> {
  for (const configuration of store.list(resourceOf('validatingwebhookconfigurations')))
    for (const webhook of (configuration['webhooks'] ?? []) as readonly Webhook[])
      if (applies(webhook, asked)) await ask(webhook, asked)
  if (asked.operation === 'CREATE') withinQuotas(store, asked)
}

const names = (list: readonly string[], name: string): boolean => list.includes('*') || list.includes(name)

function applies({ rules = [] }: Webhook, { operation, key: { resource } }: AdmissionRequest): boolean {
  // Like the real one: webhooks are not called for the objects that register webhooks.
  if (resource.group === 'admissionregistration.k8s.io') return false
  return rules.some(
    ({ operations, apiGroups, resources }) =>
      names(operations, operation) && names(apiGroups, resource.group) && names(resources, resource.plural),
  )
}

async function ask(webhook: Webhook, { operation, key, object, user, dryRun }: AdmissionRequest): Promise<void> {
  const { name, sideEffects, failurePolicy } = webhook
  if (dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun')
    throw new StatusError(400, 'BadRequest', `admission webhook "${name}" does not support dry run`)
  const { group, version, kind, plural } = key.resource
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'a',
      kind: { group, version, kind },
      resource: { group, version, resource: plural },
      name: key.name,
      namespace: key.namespace,
      operation,
      userInfo: { username: user.name, groups: user.groups },
      object: object ?? null,
      dryRun,
    },
  }
  const answer = await post(webhook, review).catch((error: unknown) => {
    if (failurePolicy === 'Ignore') return undefined
    const why = error instanceof Error ? error.message : String(error)
    throw new StatusError(
      500,
      'InternalError',
      `Internal error occurred: failed calling webhook "${name}": failed to call webhook: Post "${webhook.clientConfig?.url}?timeout=10s": ${why}`,
    )
  })
  const { allowed, status } = (answer as Answer | undefined)?.response ?? { allowed: true }
  if (allowed) return
  const said = status?.message === undefined ? 'without explanation' : `: ${status.message}`
  throw new StatusError(
    status?.code ?? 403,
    'Forbidden',
    `admission webhook "${name}" denied the request${said.startsWith(':') ? said : ` ${said}`}`,
  )
}

interface Answer {
  readonly response: {
    readonly allowed: boolean
    readonly status?: { readonly code?: number; readonly message?: string }
  }
}

function post({ clientConfig }: Webhook, review: unknown): Promise<unknown> {
  const ca = Buffer.from(clientConfig?.caBundle ?? '', 'base64').toString()
  return new Promise((resolve, reject) => {
    const call = request(
      clientConfig?.url ?? '',
      { method: 'POST', headers: { 'content-type': 'application/json' }, ...(ca === '' ? {} : { ca }), agent: false },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += String(chunk)
        resolve(JSON.parse(text))
      },
    )
    call.setTimeout(10_000, () => call.destroy(new Error('context deadline exceeded')))
    call.on('error', reject)
    call.end(JSON.stringify(review))
  })
}

/** Object counts (`secrets: "10"`): existing objects are counted, and any more are refused. */
function withinQuotas(store: ObjectStore, { key, object }: AdmissionRequest): void {
  const { plural, group } = key.resource
  const counted = [plural, `count/${plural}${group === '' ? '' : `.${group}`}`]
  for (const quota of store.list(resourceOf('resourcequotas'), key.namespace)) {
    const hard = (quota.spec?.['hard'] ?? {}) as Record<string, string>
    const name = counted.find((one) => one in hard)
    if (key.namespace === '' || name === undefined) continue
    const used = store.list(key.resource, key.namespace).length
    if (used < Number(hard[name])) continue
    throw new StatusError(
      403,
      'Forbidden',
      `${plural} "${object?.metadata.name}" is forbidden: exceeded quota: ${quota.metadata.name}, requested: ${name}=1, used: ${name}=${used}, limited: ${name}=${hard[name]}`,
    )
  }
}
