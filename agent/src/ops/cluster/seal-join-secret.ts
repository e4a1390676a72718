import { QuorateError } from '@quorate/shared/errors'
import type { SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { SealedSecret } from '@quorate/shared/gen/quorate/v1/operation'
import { parseNodeName } from '@quorate/shared/names'
import type { SealedAbout } from '../../host/sealing.js'
import type { Tools } from '../context/tools.js'
import { clusterCa } from '../network/cluster-ca.js'
import type { JoinSecret } from './join-secret.js'

/** INVALID_REQUEST or SEAL_UNPROVEN unless at least one node is named, each with a recipient of its own; checked before anything is made. */
export function requireRecipients({ sealing }: Tools, recipients: readonly SealingRecipient[]): void {
  for (const to of recipients) {
    parseNodeName(to.node)
    if (!to.recipient.startsWith('age1'))
      throw new QuorateError('INVALID_REQUEST', `${to.node} has no age recipient to seal to`)
    sealing.requireProven(to)
  }
  if (recipients.length === 0) throw new QuorateError('INVALID_REQUEST', 'a join secret needs at least one recipient')
}

/** Where the cluster of this control plane is: what a joiner may send its token to. */
export async function placeOfCluster({ host }: Tools, endpoint: string | undefined): Promise<JoinPlace> {
  const caPem = await clusterCa(host)
  if (caPem === undefined) throw new QuorateError('CERTIFICATE_INVALID', 'this control plane has no CA of its cluster')
  if (endpoint !== undefined) return { endpoint, caPem }
  throw new QuorateError(
    'CONFIG_MAP_INVALID',
    'kubeadm-config has no controlPlaneEndpoint: no control plane can join',
    {
      where: 'configmap/kube-system/kubeadm-config',
      remedy: '`quorate convert` sets it before control planes join. Plan again.',
    },
  )
}

type JoinPlace = Pick<JoinSecret, 'endpoint' | 'caPem'>

/** The secret, sealed for each recipient; only the recipient can read it. */
export function sealJoinSecret(
  { sealing }: Tools,
  secret: JoinSecret,
  { recipients, about }: { recipients: readonly SealingRecipient[]; about: SealedAbout },
): Promise<SealedSecret[]> {
  const plain = Buffer.from(JSON.stringify(secret), 'utf8')
  return Promise.all(
    recipients.map(async (to) => ({
      node: to.node,
      ciphertext: Buffer.from(await sealing.seal(plain, to, about)),
    })),
  )
}
