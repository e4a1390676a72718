import { newToken, verifyClusterInfoSignature } from '@quorate/shared/bootstrap-token'
import { QuorateError } from '@quorate/shared/errors'
import { holds, notYet, until } from '@quorate/shared/until'
import type { KubeApi } from '../../host/kube-api.js'
import { readConfigMap } from '../backup/config-maps.js'
import type { Evidence, LookContext } from '../context/operation.js'
import { apiPath, type List, type Secret } from './kube-objects.js'

const shortestSeconds = 60
const longestSeconds = 24 * 3600
const signedWithinMs = 60_000

/** Ids of the bootstrap tokens with that description. */
async function tokensDescribed(kube: KubeApi, description: string, signal: AbortSignal): Promise<string[]> {
  const type = encodeURIComponent(tokenType)
  const found = await kube.get<List<Secret>>(`${apiPath.secrets}?fieldSelector=type%3D${type}`, signal)
  return (found?.items ?? []).flatMap(({ data = {} }) => {
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8')
    return text('description') === description ? [text('token-id')] : []
  })
}

/** Ids of the tokens that a run made and that still exist. */
export const tokensOfRun = (kube: KubeApi, runId: string, signal: AbortSignal): Promise<string[]> =>
  tokensDescribed(kube, descriptionOf(runId), signal)

/**
 * Ids of the tokens that kubeadm's upload-certs made to own its Secret (copycerts.go, createShortLivedBootstrapToken), for two hours each.
 * By description: after a repeated upload the last token alone owns the Secret.
 */
export const tokensOwningCertificates = (kube: KubeApi, signal: AbortSignal): Promise<string[]> =>
  tokensDescribed(kube, 'Proxy for managing TTL for the kubeadm-certs secret', signal)

/**
 * For an operation that returns sealed secrets: if its answer is lost, no node holds them, so it is not done; repeated, it makes new
 * ones. The tokens that may be left over are named, for a cleanup.
 */
export async function lostSecretsEvidence({ tools, header, signal }: LookContext): Promise<Evidence> {
  const tokens = await tokensOfRun(await tools.kube(), header.runId, signal).catch(() => [])
  return { done: 'no', repeatable: 'yes', token_ids: tokens.join(' ') }
}

const tokenType = 'bootstrap.kubernetes.io/token'
const descriptionOf = (runId: string): string => `quorate run ${runId}`

export interface MadeToken {
  readonly id: string
  /** `id.secret` */
  readonly token: string
  readonly expires: string
}

interface TokenWish {
  readonly runId: string
  readonly ttlSeconds: number
  readonly signal: AbortSignal
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** As kubeadm makes them (bootstraptoken/v1 ToSecret): the usages for discovery and TLS bootstrap, and the group that kubeadm's RBAC knows. */
export function tokenSecret(id: string, secret: string, description: string, expires: string) {
  const data = {
    'token-id': id,
    'token-secret': secret,
    description,
    expiration: expires,
    'usage-bootstrap-signing': 'true',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: tokenType,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  }
}

/**
 * Makes a bootstrap token as a Secret (never as an argument of a program) and waits until the controller-manager has signed cluster-info
 * with it: joiners cannot discover the cluster before. A token that is not signed in time is deleted again; GATE_TIMEOUT. So is one whose
 * making was interrupted, or not answered: the server may have stored it.
 */
export async function makeToken(kube: KubeApi, { runId, ttlSeconds, signal }: TokenWish): Promise<MadeToken> {
  if (ttlSeconds < shortestSeconds || ttlSeconds > longestSeconds) {
    throw new QuorateError(
      'INVALID_REQUEST',
      `a join token must be valid for ${shortestSeconds} to ${longestSeconds} seconds, not ${ttlSeconds}`,
    )
  }
  const { id, secret } = newToken()
  const expires = new Date(Date.now() + ttlSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  const token = `${id}.${secret}`
  try {
    await kube.create(apiPath.secrets, tokenSecret(id, secret, descriptionOf(runId), expires), signal)
    await untilSigned(kube, token, signal)
  } catch (error) {
    // Where the API server cannot be asked, the token ends by itself; why it is of no use says more than that it could not be deleted.
    await kube.remove(apiPath.secret(`bootstrap-token-${id}`)).catch(() => undefined)
    throw error
  }
  return { id, token, expires }
}

async function untilSigned(kube: KubeApi, token: string, signal: AbortSignal): Promise<void> {
  const id = token.slice(0, 6)
  const look = async () => {
    const found = await readConfigMap(kube, 'configmap/kube-public/cluster-info', signal)
    if (found === undefined) return notYet('there is no cluster-info')
    const jws = found.object.data?.[`jws-kubeconfig-${id}`]
    if (jws === undefined) return notYet('cluster-info has no signature for it: does the controller-manager run?')
    return verifyClusterInfoSignature(found.text, jws, token)
      ? holds(undefined)
      : notYet('its signature is of an older cluster-info')
  }
  await until(`cluster-info to be signed with token ${id}`, look, { deadlineMs: signedWithinMs, everyMs: 200, signal })
}
