import { QuorateError } from '@quorate/shared/errors'
import type { SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { SealedSecret } from '@quorate/shared/gen/quorate/v1/operation'
import { parseNodeName } from '@quorate/shared/names'
import type { Sealing } from '../../host/sealing.js'
import type { JoinSecret } from '../join-secret.js'

/** INVALID_REQUEST unless at least one node is named, each with a recipient; checked before anything is made. */
export function requireRecipients(recipients: readonly SealingRecipient[]): void {
  for (const { node, recipient } of recipients) {
    parseNodeName(node)
    if (!recipient.startsWith('age1'))
      throw new QuorateError('INVALID_REQUEST', `${node} has no age recipient to seal to`)
  }
  if (recipients.length === 0) throw new QuorateError('INVALID_REQUEST', 'a join secret needs at least one recipient')
}

/** The secret, sealed for each recipient; only the recipient can read it. */
export async function sealJoinSecret(
  sealing: Sealing,
  secret: JoinSecret,
  recipients: readonly SealingRecipient[],
): Promise<SealedSecret[]> {
  const plain = Buffer.from(JSON.stringify(secret), 'utf8')
  return Promise.all(
    recipients.map(async ({ node, recipient }) => ({
      node,
      ciphertext: Buffer.from(await sealing.seal(plain, recipient)),
    })),
  )
}
