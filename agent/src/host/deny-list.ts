import { type DeniedKey, denyListRefused, fleetOf, type OpenedDenyList, openDenyList } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import type { Log } from '@quorate/shared/log'
import type { Host } from './host.js'

/** What asks whether a key was revoked. */
export interface DeniedKeys {
  find(key: string): DeniedKey | undefined
}

interface Place {
  readonly host: Host
  /** Folder of the agent's state; the list is a file in it. */
  readonly stateFolder: string
  /** The roots of the fleet that count now; PEM. */
  ca(): string
  readonly log: Pick<Log, 'warn'>
}

/** One file a fleet: a node that is enrolled in another fleet begins without a list. */
const pathOf = ({ stateFolder, ca }: Place): string =>
  `${stateFolder}/deny-list.${fleetOf(ca()).replaceAll(/[^A-Za-z0-9]+/g, '-')}`

/** The keys that this node denies: the newest list that it was given, on its disk and in memory. It is replaced by newer ones only. */
export class DenyList implements DeniedKeys {
  readonly #place: Place
  readonly #listeners = new Set<() => void>()
  #kept: OpenedDenyList | undefined
  #denied: ReadonlyMap<string, DeniedKey> = new Map()
  #document = ''
  #isOnDisk = false
  /** Of two lists at once one is the second. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(place: Place) {
    this.#place = place
  }

  /** Reads the kept list. DENY_LIST_REFUSED where the file is damaged: without it revoked keys would count again. */
  static async open(place: Place): Promise<DenyList> {
    const list = new DenyList(place)
    const where = pathOf(place)
    const document = (await place.host.read(where))?.bytes.toString('utf8')
    if (document === undefined) return list
    try {
      list.#use(openDenyList(document, place.ca()), document)
      list.#isOnDisk = true
    } catch (cause) {
      throw new QuorateError('DENY_LIST_REFUSED', `${where} cannot be used: ${(cause as Error).message}`, {
        where,
        cause,
        remedy: `If the disk was damaged: remove ${where} and restart quorate-agent. The coordinator sends the newest list again with its next call.`,
      })
    }
    return list
  }

  /** 0 where there is none. */
  get number(): number {
    return this.#kept?.number ?? 0
  }

  /** The list with its signature; empty where there is none. */
  get document(): string {
    return this.#document
  }

  find(key: string): DeniedKey | undefined {
    return this.#denied.get(key)
  }

  /** DENY_LIST_REFUSED where under these roots the kept list would be none: without it revoked keys would count again. */
  requireUnder(roots: string): void {
    if (this.#document !== '') openDenyList(this.#document, roots)
  }

  /** Calls back when a newer list counts. The returned function unsubscribes. */
  onNewer(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes a newer list; the same one again changes nothing. DENY_LIST_REFUSED for any other. */
  keep(document: string): Promise<void> {
    const kept = this.#last.then(() => this.#keep(document))
    this.#last = kept.catch(() => undefined)
    return kept
  }

  async #keep(document: string): Promise<void> {
    const { host, ca, log } = this.#place
    const list = openDenyList(document, ca())
    if (list.number < this.number)
      throw denyListRefused(`number ${list.number} is older than ${this.number}, which this node has`)
    if (list.number === this.number && list.text !== this.#kept?.text)
      throw denyListRefused(`this node has another list with the number ${list.number}`)
    if (list.number === this.number && this.#isOnDisk) return
    // It counts at once: a disk that is full does not keep a thief in.
    this.#use(list, document)
    log.warn('list of revoked keys', { number: list.number, keys: list.denied.length })
    await host.replace(pathOf(this.#place), Buffer.from(document), { mode: 0o600 })
    this.#isOnDisk = true
  }

  #use(list: OpenedDenyList, document: string): void {
    this.#kept = list
    this.#document = document
    this.#isOnDisk = false
    this.#denied = new Map(list.denied.map((key) => [key.sha256, key]))
    for (const listener of this.#listeners) listener()
  }
}
