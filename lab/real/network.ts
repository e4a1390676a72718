import { capture, must } from './shell.js'

/** The network namespace of one lab: nothing in it listens on, or sends to, the machine's own network. */
export class Network {
  readonly name: string
  readonly prefix: string
  /** Where the second network cards are, and with them the default route: nothing of the cluster listens there. */
  readonly outsidePrefix: string
  readonly bridge = 'qbr0'
  readonly outsideBridge = 'qbr1'

  constructor(name: string, prefix: string) {
    this.name = `qlab-${name}`
    this.prefix = prefix
    this.outsidePrefix = prefix.replace('192.168.', '172.31.')
  }

  async up(): Promise<void> {
    const known = (await capture('ip', ['netns', 'list'])).stdout
      .split('\n')
      .some((line) => line.split(' ')[0] === this.name)
    if (!known) await must('ip', ['netns', 'add', this.name])
    await must('ip', ['-n', this.name, 'link', 'set', 'lo', 'up'])
    await this.#addBridge(this.bridge, this.prefix)
    await this.#addBridge(this.outsideBridge, this.outsidePrefix)
  }

  async #addBridge(bridge: string, prefix: string): Promise<void> {
    if ((await capture('ip', ['-n', this.name, 'link', 'show', bridge])).exitCode === 0) return
    await must('ip', ['-n', this.name, 'link', 'add', bridge, 'type', 'bridge'])
    await must('ip', ['-n', this.name, 'addr', 'add', `${prefix}.1/24`, 'dev', bridge])
    await must('ip', ['-n', this.name, 'link', 'set', bridge, 'up'])
  }

  /** Plugs this end of a second network card, which systemd-nspawn makes when its node boots, into the network of the cluster. */
  async plug(card: string): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const plugged = await capture('ip', ['-n', this.name, 'link', 'set', card, 'master', this.bridge, 'up'])
      if (plugged.exitCode === 0) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`systemd-nspawn made no network card ${card}`)
  }

  /** argv as it runs where the operator sits, at `.1` of this network. */
  within(argv: readonly string[]): readonly [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.name}`, ...argv]]
  }

  async down(): Promise<void> {
    await capture('ip', ['netns', 'del', this.name])
  }
}
