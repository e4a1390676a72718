import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where everything lies in a state folder. */
export interface StatePaths {
  readonly folder: string
  readonly caCert: string
  /** The root key in clear; absent where it is under a passphrase or elsewhere. */
  readonly caKey: string
  /** The root key under a passphrase: an age file. */
  readonly sealedCaKey: string
  /** Certificate and key of the issuer, one file. */
  readonly issuer: string
  /** What a rotation of the root needs until it has ended: both issuers, both root keys, the bundles signed. */
  readonly rotation: string
  /** Journals of rotations. */
  readonly rotations: string
  /** Held while a list of the fleet is replaced. */
  readonly fleetLocks: string
  readonly coordinatorCert: string
  readonly coordinatorKey: string
  readonly nodes: string
  /** Every key that got a certificate, one line each: what `quorate revoke` denies. */
  readonly issuedKeys: string
  /** Lists of revoked keys, signed, one file each. */
  readonly denyLists: string
  /** Private age identity of the operator: opens the backups. */
  readonly backupIdentity: string
  readonly backupRecipient: string
  readonly runs: string
  /** What runs see of the API and have not journaled yet. */
  readonly seenNow: string
  readonly backups: string
  readonly leases: string
  readonly restToken: string
  /** Tokens of REST that were created by name, one file each, without the token. */
  readonly restTokens: string
  /** Tokens with which nodes join, some files each, without the secret. */
  readonly nodeTokens: string
  /** What was done with this state folder: `history.jsonl` and its checkpoint. */
  readonly audit: string
  /** Signs the checkpoints. */
  readonly historyKey: string
  /** Identities of persons that were issued: names, roles, dates. */
  readonly identities: string
  /** Approvals of plans, one file each, as they were signed. */
  readonly approvals: string
  /** What detached commands print. */
  readonly logs: string
}

export function statePaths(folder: string): StatePaths {
  const at = (...parts: string[]) => join(folder, ...parts)
  return {
    folder,
    caCert: at('fleet', 'ca.crt'),
    caKey: at('fleet', 'ca.key'),
    sealedCaKey: at('fleet', 'ca.key.age'),
    issuer: at('fleet', 'issuer.pem'),
    rotation: at('fleet', 'rotation.json'),
    rotations: at('fleet', 'rotations'),
    fleetLocks: at('fleet', 'locks'),
    coordinatorCert: at('fleet', 'coordinator.crt'),
    coordinatorKey: at('fleet', 'coordinator.key'),
    nodes: at('fleet', 'nodes.json'),
    issuedKeys: at('fleet', 'issued-keys.jsonl'),
    denyLists: at('fleet', 'deny-lists'),
    backupIdentity: at('backup', 'identity.age.key'),
    backupRecipient: at('backup', 'recipient'),
    runs: at('runs'),
    seenNow: at('seen-now'),
    backups: at('backups'),
    leases: at('leases'),
    restToken: at('rest', 'token'),
    restTokens: at('rest', 'tokens'),
    nodeTokens: at('fleet', 'node-tokens'),
    audit: at('audit'),
    historyKey: at('fleet', 'history.key'),
    identities: at('fleet', 'identities.json'),
    approvals: at('approvals'),
    logs: at('logs'),
  }
}

/** `/var/lib/quorate` for root, `~/.local/state/quorate` (or below XDG_STATE_HOME) for everybody else. */
export function defaultStateFolder(
  env: NodeJS.ProcessEnv = process.env,
  uid: number | undefined = process.getuid?.(),
): string {
  if (uid === 0) return '/var/lib/quorate'
  return join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'quorate')
}
