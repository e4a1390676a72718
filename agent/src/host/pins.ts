import { QuorateError } from '@quorate/shared/errors'
import type { Log } from '@quorate/shared/log'
import type { Host } from './host.js'

/** What a node remembers, so that a thief of an operator's certificate cannot exchange it: who gets backups, which cluster it joins. */
type Pinned = 'backup-recipient' | 'cluster-ca'

const words: Readonly<Record<Pinned, string>> = {
  'backup-recipient': 'backups of this node go to',
  'cluster-ca': 'this node joins only the cluster with the CA',
}

interface Place {
  readonly host: Host
  /** Folder of the agent's state; a pin is a file in it. */
  readonly stateFolder: string
  /** Pins of agent.yaml, put there by who enrolled the node; they count before those of a first use. */
  readonly enrolled: Readonly<Partial<Record<Pinned, string>>>
  readonly log: Pick<Log, 'warn'>
}

/** The pins of one node. */
export class Pins {
  readonly #place: Place
  /** Of two first uses at once one is the second. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(place: Place) {
    this.#place = place
  }

  /** PINNED_TO_ANOTHER unless one of these values is pinned, or nothing is. */
  async check(what: Pinned, values: readonly string[]): Promise<void> {
    const pinned = await this.#read(what)
    if (pinned === undefined || values.includes(pinned)) return
    const { stateFolder, enrolled } = this.#place
    throw new QuorateError('PINNED_TO_ANOTHER', `${words[what]} ${pinned}, not ${values.join(', ')}`, {
      where: enrolled[what] === undefined ? pathOf(stateFolder, what) : '/etc/quorate/agent.yaml',
    })
  }

  /** What is pinned; undefined where nothing is. */
  pinned(what: Pinned): Promise<string | undefined> {
    return this.#read(what)
  }

  /** As `check`, and pins the first of the values where nothing is pinned: true if so. */
  keep(what: Pinned, values: readonly string[]): Promise<boolean> {
    const kept = this.#last.then(() => this.#keep(what, values))
    this.#last = kept.catch(() => {})
    return kept
  }

  async #keep(what: Pinned, values: readonly string[]): Promise<boolean> {
    await this.check(what, values)
    const [value = ''] = values
    if (value === '' || (await this.#read(what)) !== undefined) return false
    const { host, stateFolder, log } = this.#place
    await host.replace(pathOf(stateFolder, what), Buffer.from(`${value}\n`), { mode: 0o600 })
    log.warn(`pinned on first use: ${words[what]}`, { value, file: pathOf(stateFolder, what) })
    return true
  }

  async #read(what: Pinned): Promise<string | undefined> {
    const { host, stateFolder, enrolled } = this.#place
    const value = enrolled[what] ?? (await host.read(pathOf(stateFolder, what)))?.bytes.toString('utf8').trim()
    return value === '' ? undefined : value
  }
}

const pathOf = (stateFolder: string, what: Pinned): string => `${stateFolder}/pinned-${what}`
