import { QuorateError } from '@quorate/shared/errors'
import type { JoinSpec } from '@quorate/shared/gen/quorate/v1/node_agent'
import { discoveryKubeconfig, joinDocument } from '@quorate/shared/kubeadm-documents'
import { parseNodeName } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { patchesFolder } from '../context/paths.js'
import { runtimeFolderOf } from '../context/runtime-folder.js'
import { type JoinSecret, requireCaPin, requireEndpoint } from './join-secret.js'

/** Path of an operation's JoinConfiguration; the operation's folder is in tmpfs and is wiped at its end. */
export const joinConfigPath = (operationId: string): string => `${runtimeFolderOf(operationId)}/join.yaml`

interface Joining {
  readonly join: JoinSpec | undefined
  readonly secret: JoinSecret
  readonly criSocket: string
  readonly operationId: string
}

/**
 * The JoinConfiguration of a control plane and, for discovery by file, the kubeconfig beside it, by path. They contain the
 * secret: they are written to a folder in tmpfs, 0600, and nowhere else. Endpoint and CA are those of the secret.
 */
export function joinDocuments({ join, secret, criSocket, operationId }: Joining): ReadonlyMap<string, string> {
  const { discoveryCaPem, ...spec } = checked(join)
  requireEndpoint(secret, spec.endpoint)
  requireCaPin(secret, spec.caPin)
  const { endpoint, caPem, token } = secret
  const byFile = discoveryCaPem !== ''
  const discoveryFile = `${runtimeFolderOf(operationId)}/discovery.conf`
  const document = joinDocument({
    apiVersion: spec.kubeadmApiVersion,
    endpoint,
    token,
    caPins: [spec.caPin],
    nodeName: parseNodeName(spec.nodeName),
    criSocket,
    advertiseAddress: spec.advertiseAddress,
    bindPort: spec.bindPort,
    certificateKey: secret.certificateKey,
    ignorePreflightErrors: spec.ignorePreflightErrors,
    ...(spec.etcdTimeoutSeconds === 0 ? {} : { etcdTimeoutSeconds: spec.etcdTimeoutSeconds }),
    ...(byFile ? { discoveryFile } : {}),
    ...(spec.nodeIp === '' ? {} : { nodeIp: spec.nodeIp }),
    kubeletExtraArgs: spec.kubeletExtraArgs,
    ...(spec.ownTaints ? { taints: spec.taints } : {}),
    ...(spec.withPatches ? { patchesFolder } : {}),
  })
  const documents = new Map([[joinConfigPath(operationId), document]])
  if (!byFile) return documents
  return documents.set(discoveryFile, discoveryKubeconfig({ endpoint, caPem, token }))
}

/** Readable only by root. */
export async function writeDocuments(host: Host, documents: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of documents) await host.replace(path, Buffer.from(text), { mode: 0o600 })
}

function checked(join: JoinSpec | undefined): JoinSpec {
  if (join === undefined) throw new QuorateError('INVALID_REQUEST', 'the request does not say how to join')
  if (join.ignorePreflightErrors.some((name) => name.toLowerCase() === 'all')) {
    throw new QuorateError('INVALID_REQUEST', 'preflight errors must be ignored by name, not all at once')
  }
  return join
}
