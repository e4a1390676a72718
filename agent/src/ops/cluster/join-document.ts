import { QuorateError } from '@quorate/shared/errors'
import type { JoinSpec } from '@quorate/shared/gen/quorate/v1/node_agent'
import { joinDocument } from '@quorate/shared/kubeadm-documents'
import { parseNodeName } from '@quorate/shared/names'
import type { JoinSecret } from '../join-secret.js'

/** The JoinConfiguration of a control plane. The secret is in it: it goes to a file of tmpfs, 0600, and nowhere else. */
export function controlPlaneJoinDocument(join: JoinSpec | undefined, secret: JoinSecret, criSocket: string): string {
  if (join === undefined) throw new QuorateError('INVALID_REQUEST', 'the request says not how to join')
  if (join.ignorePreflightErrors.some((name) => name.toLowerCase() === 'all')) {
    throw new QuorateError('INVALID_REQUEST', 'preflight errors are ignored by name, never all of them')
  }
  return joinDocument({
    apiVersion: join.kubeadmApiVersion,
    endpoint: join.endpoint,
    token: secret.token,
    caPins: [join.caPin],
    nodeName: parseNodeName(join.nodeName),
    criSocket,
    advertiseAddress: join.advertiseAddress,
    bindPort: join.bindPort,
    certificateKey: secret.certificateKey,
    ignorePreflightErrors: join.ignorePreflightErrors,
    ...(join.etcdTimeoutSeconds === 0 ? {} : { etcdTimeoutSeconds: join.etcdTimeoutSeconds }),
  })
}
