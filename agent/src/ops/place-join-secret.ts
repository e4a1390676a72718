import { isDeepStrictEqual } from 'node:util'
import { QuorateError } from '@quorate/shared/errors'
import type { PlaceJoinSecretRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { joinSecretPath } from '@quorate/shared/names'
import { backupPlace, keepFiles } from './backup/store.js'
import {
  caPinsOf,
  placeJoinSecret as keepInTmpfs,
  parseJoinSecret,
  readJoinSecret,
  tokenIdOf,
} from './cluster/join-secret.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { sealedToAnotherProcess } from './sealed-evidence.js'

/** Opens token and certificate key that were sealed to this process, and keeps them in tmpfs until the join has ended. */
export const placeJoinSecret = changeOperation<PlaceJoinSecretRequest>(
  async ({ secret }, context) => {
    const { host, sealing, pins } = context.tools
    const { runId } = context.header
    if (secret === undefined) throw new QuorateError('INVALID_REQUEST', 'no sealed secret came with the request')
    const plain = parseJoinSecret(await sealing.open(secret.ciphertext, { purpose: 'join-secret', runId }))
    await pins.check('cluster-ca', caPinsOf(plain))
    const facts = { token_id: tokenIdOf(plain) }
    const before = await readJoinSecret(host).catch(() => undefined)
    if (isDeepStrictEqual(before, plain)) {
      return unchanged(`the join secret of token ${facts.token_id} is already placed`, facts)
    }
    const present = await host.read(joinSecretPath)
    // The backup only records its absence: it must not contain a secret.
    if (present === undefined) await keepFiles(backupPlace(context), [joinSecretPath])
    await keepInTmpfs(host, plain)
    const after = await host.read(joinSecretPath)
    const hash = (file: typeof after): string => (file === undefined ? '' : sha256Hex(file.bytes))
    return changed({
      summary: `placed the join secret of token ${facts.token_id}`,
      touched: [{ name: joinSecretPath, sha256Before: hash(present), sha256After: hash(after) }],
      facts,
    })
  },
  { evidence: sealedToAnotherProcess },
)
