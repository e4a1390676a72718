import type { DeniedKeys } from '@quorate/agent/host/deny-list'
import type { Host } from '@quorate/agent/host/host'
import type { NodeIdentity } from '@quorate/agent/host/node-identity'
import { OwnIdentity } from '@quorate/agent/host/own-identity'
import type { SealedAbout, Sealing } from '@quorate/agent/host/sealing'
import type { SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'

/** The fleet of the tests' nodes. */
export const fleetCa = createFleetCa('tests')

interface Wish {
  readonly ca?: typeof fleetCa
  readonly organizations?: readonly string[]
  readonly days?: number
}

/** No key was revoked. */
export const noneDenied: DeniedKeys = { find: () => undefined }

/** What `enroll` gives a node; otherwise where a test asks for what no node has. */
export function identityOf(
  node: string,
  { ca = fleetCa, organizations = ['quorate:node'], days = 1 }: Wish = {},
): NodeIdentity {
  const names = { commonName: node, organizations, dnsNames: [node], ipAddresses: [] }
  const { certPem: cert, keyPem: key } = issueCertificate({ ca, ...names, days, usage: 'server' })
  return { node, ca: fleetCa.certPem, cert, key }
}

/** The same with files of its own, beside the node's own folders. */
export async function ownIdentity(host: Host, identity: NodeIdentity): Promise<OwnIdentity> {
  await host.replace('/own-identity/node.crt', Buffer.from(identity.cert), { mode: 0o644 })
  await host.replace('/own-identity/node.key', Buffer.from(identity.key), { mode: 0o600 })
  return new OwnIdentity(host, '/own-identity', identity)
}

/** A node as GetSealingKey shows it. */
export const recipientOf = (node: string, sealing: Sealing): SealingRecipient => ({ node, ...sealing.ownKey() })

/** Something that one agent sealed to another, as the coordinator carries it. */
export async function sealedBy(
  sender: Sealing,
  to: SealingRecipient,
  plain: Uint8Array | string,
  about: SealedAbout,
): Promise<{ node: string; ciphertext: Buffer }> {
  return { node: to.node, ciphertext: Buffer.from(await sender.seal(Buffer.from(plain), to, about)) }
}
