import { capture, must } from './shell.js'

/** The network namespace of one lab: nothing in it listens on, or sends to, the machine's own network. */
export class Network {
  readonly name: string
  readonly prefix: string
  readonly bridge = 'qbr0'

  constructor(name: string, prefix: string) {
    this.name = `qlab-${name}`
    this.prefix = prefix
  }

  async up(): Promise<void> {
    const known = (await capture('ip', ['netns', 'list'])).stdout
      .split('\n')
      .some((line) => line.split(' ')[0] === this.name)
    if (!known) await must('ip', ['netns', 'add', this.name])
    await must('ip', ['-n', this.name, 'link', 'set', 'lo', 'up'])
    if ((await capture('ip', ['-n', this.name, 'link', 'show', this.bridge])).exitCode === 0) return
    await must('ip', ['-n', this.name, 'link', 'add', this.bridge, 'type', 'bridge'])
    await must('ip', ['-n', this.name, 'addr', 'add', `${this.prefix}.1/24`, 'dev', this.bridge])
    await must('ip', ['-n', this.name, 'link', 'set', this.bridge, 'up'])
  }

  /** argv as it runs where the operator sits, at `.1` of this network. */
  within(argv: readonly string[]): readonly [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.name}`, ...argv]]
  }

  async down(): Promise<void> {
    await capture('ip', ['netns', 'del', this.name])
  }
}
