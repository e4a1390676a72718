import { isDeepStrictEqual } from 'node:util'
import { asQuorateError } from '@quorate/shared/errors'
import type { TryChangesRequest, TryChangesResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { KubeApi } from '../host/kube-api.js'
import { readNodeName } from './cluster/control-plane.js'
import { type Intended, intendedChanges } from './cluster/intended-changes.js'
import type { List, WebhookConfiguration } from './cluster/kube-objects.js'
import { readOperation } from './context/operation.js'

/** How admission answers the changes that a run makes, and those that Kubernetes makes because of them. */
export const tryChanges = readOperation<TryChangesRequest, TryChangesResponse>(async (request, tools, signal) => {
  const kube = await tools.kube()
  const changes = await intendedChanges(kube, { ...request, ownNode: await readNodeName(tools.host) }, signal)
  return { tried: await Promise.all(changes.map((change) => tryOne(kube, change, signal))) }
})

/** The name exists: admission ran before storage and accepted it. */
const alreadyThere = 409

async function tryOne(kube: KubeApi, { change, trial }: Intended, signal: AbortSignal) {
  const tried = { change, asUser: trial.as?.user ?? '', registeredBy: '', altered: false }
  try {
    const { status, message, stored } = await kube.tryOut(trial, signal)
    const error = status === alreadyThere ? '' : message
    return {
      ...tried,
      httpStatus: status,
      error,
      registeredBy: await registeredBy(kube, error, signal),
      altered: error === '' && isAltered(trial.body, stored),
    }
  } catch (error) {
    signal.throwIfAborted()
    return { ...tried, httpStatus: 0, error: asQuorateError(error).message }
  }
}

/** Whether the stored data of a ConfigMap would differ from what was sent. Other objects get server defaults, so a difference means nothing. */
function isAltered(sent: unknown, stored: unknown): boolean {
  const data = (object: unknown) => (object as { kind?: string; data?: unknown } | undefined)?.data
  return (stored as { kind?: string } | undefined)?.kind === 'ConfigMap' && !isDeepStrictEqual(data(sent), data(stored))
}

const registrations = ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration'] as const

/** The object that registers the webhook named in a refusal: the operator must look at it. */
async function registeredBy(kube: KubeApi, error: string, signal: AbortSignal): Promise<string> {
  const name = /webhook "([^"]{1,253})"/.exec(error)?.[1]
  if (name === undefined) return ''
  const found = registrations.map(async (kind) => {
    const list = await kube.get<List<WebhookConfiguration>>(`/apis/admissionregistration.k8s.io/v1/${kind}s`, signal)
    return (list?.items ?? [])
      .filter(({ webhooks = [] }) => webhooks.some((webhook) => webhook.name === name))
      .map(({ metadata }) => `${kind} ${metadata.name}`)
  })
  return (await Promise.all(found)).flat()[0] ?? ''
}
