import { capture, must } from './shell.js'

/** The network namespace of one lab: isolated from the machine's own network. */
export class Network {
  readonly name: string
  readonly prefix: string
  /** The network of the second network cards, with the default route: nothing of the cluster listens there. */
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

  /** Connects this end of a second network card, which systemd-nspawn makes when its node boots, to the network of the cluster. */
  async plug(card: string): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const plugged = await capture('ip', ['-n', this.name, 'link', 'set', card, 'master', this.bridge, 'up'])
      if (plugged.exitCode === 0) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`systemd-nspawn made no network card ${card}`)
  }

  /** argv for a command on the operator's machine, at `.1` of this network. */
  within(argv: readonly string[]): readonly [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.name}`, ...argv]]
  }

  async down(): Promise<void> {
    await capture('ip', ['netns', 'del', this.name])
  }
}
