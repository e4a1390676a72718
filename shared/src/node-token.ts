import { createHash, randomBytes } from 'node:crypto'
import { keyOf } from './deny-list.js'
import { QuorateError } from './errors.js'
import { certificatesIn } from './fleet-chain.js'
import { isDnsName } from './names.js'

/** What a node needs to join a fleet without ssh: one text that is given to it in a file. */
export interface NodeToken {
  readonly node: string
  /** 256 random bits, base64url. */
  readonly secret: string
  /** Hexadecimal SHA-256 of the public key of the fleet's root: the node trusts no other coordinator. */
  readonly pin: string
}

/** The prefix is for programs that search for leaked secrets; base64url has underscores, so each part has its length. */
const form = /^quorate-node_([a-z0-9.-]{1,253})_([A-Za-z0-9_-]{43})_([0-9a-f]{64})$/

/** A new token for a node of the fleet with this root (PEM). */
export function makeNodeToken(node: string, rootPem: string): NodeToken {
  const [root] = certificatesIn(rootPem)
  if (root === undefined) throw new QuorateError('CERTIFICATE_INVALID', 'the fleet has no root certificate')
  return { node, secret: randomBytes(32).toString('base64url'), pin: keyOf(root) }
}

export const nodeTokenText = ({ node, secret, pin }: NodeToken): string => `quorate-node_${node}_${secret}_${pin}`

/** How a secret is kept: nobody joins with what is read from the state folder. Hexadecimal. */
export const hashOfSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Reads a token; USAGE, without the text, where it is none. `where` names its file. */
export function parseNodeToken(text: string, where: string): NodeToken {
  const [, node = '', secret = '', pin = ''] = form.exec(text.trim()) ?? []
  if (node !== '' && isDnsName(node)) return { node, secret, pin }
  throw new QuorateError('USAGE', 'the file has no token of a node', {
    where,
    remedy:
      'On the machine of the coordinator: `quorate token node NAME --address HOST` prints one. It is one line that begins with quorate-node_.',
  })
}
