import { QuorateError } from '@quorate/shared/errors'
import { newAgeIdentity } from './age-identity.js'
import { encrypterFor } from './age-sealing.js'
import type { Host } from './host.js'
import type { Pins } from './pins.js'

/** Loaded when something is kept or restored: an idle agent never does. */
const age = () => import('age-encryption')

interface Place {
  readonly host: Host
  /** Folder of the agent's state; the key is a file in it. */
  readonly stateFolder: string
  readonly pins: Pick<Pins, 'pinned'>
}

/** Where the key of this node's backups is: not in their folder, so that a copy of the backups alone opens nothing. */
export const backupKeyPath = (stateFolder: string): string => `${stateFolder}/backup.key`

/**
 * Encrypts what this node keeps of itself (age-encryption.org/v1): for a key of this node, which an undo needs, and for the operator that is pinned
 * here. The key is made at its first use and stays as long as the node: a renewed identity opens what was kept before.
 */
export class BackupSealing {
  readonly #place: Place
  #identity: Promise<string> | undefined

  constructor(place: Place) {
    this.#place = place
  }

  async seal(plain: Uint8Array): Promise<Uint8Array> {
    return (await this.#encrypter()).encrypt(plain)
  }

  async *sealStream(plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    yield* await (await this.#encrypter()).encrypt(ReadableStream.from(plain))
  }

  /** What was sealed here; BACKUP_MISSING where it is damaged, or this node's key is gone. */
  async open(sealed: Uint8Array, where: string): Promise<Buffer> {
    const decrypter = await this.#decrypter(where)
    return decrypter.decrypt(sealed).then((plain) => Buffer.from(plain), refused(where))
  }

  /** The same, piece by piece. What is damaged is found when it is met: pieces before it have been given. */
  async *openStream(sealed: AsyncIterable<Uint8Array>, where: string): AsyncIterable<Uint8Array> {
    const decrypter = await this.#decrypter(where)
    try {
      yield* await decrypter.decrypt(ReadableStream.from(sealed))
    } catch (error) {
      refused(where)(error)
    }
  }

  async #encrypter() {
    const { identityToRecipient } = await age()
    const own = await identityToRecipient(await this.#ownKey())
    const operator = await this.#place.pins.pinned('backup-recipient')
    return operator === undefined ? encrypterFor(own) : encrypterFor(own, operator).catch(this.#unusable)
  }

  /** An agent.yaml written by hand, or a pin of an earlier version. */
  #unusable = (cause: unknown): never => {
    const pin = `${this.#place.stateFolder}/pinned-backup-recipient`
    throw new QuorateError(
      'AGENT_CONFIG_INVALID',
      'the recipient of backups that is pinned on this node cannot be used',
      {
        cause,
        remedy: `Correct backupRecipient in /etc/quorate/agent.yaml as \`quorate enroll\` writes it, or remove ${pin}; then restart quorate-agent.`,
      },
    )
  }

  async #decrypter(where: string) {
    const { host, stateFolder } = this.#place
    const key = await host.read(backupKeyPath(stateFolder))
    if (key === undefined)
      throw unopened(where, `${backupKeyPath(stateFolder)}, the key of this node's backups, is gone`)
    const decrypter = new (await age()).Decrypter()
    try {
      decrypter.addIdentity(key.bytes.toString('utf8').trim())
    } catch (cause) {
      throw unopened(where, `${backupKeyPath(stateFolder)} is not a key`, cause)
    }
    return decrypter
  }

  /** One for all that is kept at the same time. */
  #ownKey(): Promise<string> {
    this.#identity ??= this.#readOrMake().catch((error: unknown) => {
      this.#identity = undefined
      throw error
    })
    return this.#identity
  }

  async #readOrMake(): Promise<string> {
    const { host, stateFolder } = this.#place
    const present = await host.read(backupKeyPath(stateFolder))
    if (present !== undefined) return present.bytes.toString('utf8').trim()
    const { identity } = newAgeIdentity()
    await host.replace(backupKeyPath(stateFolder), Buffer.from(`${identity}\n`), { mode: 0o600 })
    return identity
  }
}

const refused =
  (where: string) =>
  (cause: unknown): never => {
    throw unopened(where, 'it is damaged, or another key sealed it', cause)
  }

const unopened = (where: string, why: string, cause?: unknown): QuorateError =>
  new QuorateError('BACKUP_MISSING', `the backup cannot be opened on this node: ${why}`, { where, cause })
