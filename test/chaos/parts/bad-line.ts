import { createConnection, createServer, type Server, type Socket } from 'node:net'
import type { Chance } from './chance.js'

export type Fault = 'dropped' | 'delayed' | 'half-open' | 'duplicated'

interface Carried {
  readonly client: Socket
  readonly agent: Socket
  /** All that the coordinator said, for who says it again. */
  readonly said: Buffer[]
  /** Nothing passes any more, and nobody is told. */
  silent: boolean
}

/** A line between the coordinator and one agent on which connections break off, stall, go silent without an end, or are said twice. */
export class BadLine {
  /** How often what happened. */
  readonly happened: Record<Fault, number> = { dropped: 0, delayed: 0, 'half-open': 0, duplicated: 0 }
  private readonly carried = new Set<Carried>()
  private readonly server: Server
  private readonly chance: Chance
  private readonly to: { readonly host: string; readonly port: number }
  private timer: NodeJS.Timeout | undefined

  private constructor(to: { host: string; port: number }, chance: Chance) {
    this.to = to
    this.chance = chance
    this.server = createServer((client) => this.carry(client))
  }

  /** Listens beside the agent, on `port`. */
  static async open(to: { host: string; port: number }, port: number, chance: Chance): Promise<BadLine> {
    const line = new BadLine(to, chance)
    await new Promise<void>((resolve, reject) => line.server.once('error', reject).listen(port, to.host, resolve))
    return line
  }

  /** From now on one of these happens every second or so. */
  begin(faults: readonly Fault[]): void {
    clearTimeout(this.timer)
    const next = (): void => {
      this.happen(this.chance.pick(faults))
      this.timer = setTimeout(next, this.chance.between(300, 2_500))
    }
    this.timer = setTimeout(next, this.chance.between(100, 1_500))
  }

  /** Good again; what went silent breaks off. */
  pause(): void {
    clearTimeout(this.timer)
    for (const one of this.carried) if (one.silent) this.end(one)
  }

  close(): void {
    clearTimeout(this.timer)
    for (const one of this.carried) this.end(one)
    this.server.close()
  }

  private carry(client: Socket): void {
    const agent = createConnection(this.to)
    const one: Carried = { client, agent, said: [], silent: false }
    this.carried.add(one)
    const pass = (to: Socket) => (chunk: Buffer) => {
      if (!one.silent) to.write(chunk)
    }
    client.on('data', (chunk: Buffer) => one.said.push(chunk)).on('data', pass(agent))
    agent.on('data', pass(client))
    for (const [side, other] of [
      [client, agent],
      [agent, client],
    ] as const) {
      side.on('error', () => side.destroy())
      side.on('close', () => {
        this.carried.delete(one)
        if (!one.silent) other.destroy()
      })
    }
  }

  private happen(fault: Fault): void {
    for (const one of this.carried) {
      if (one.silent) continue
      this.happened[fault]++
      if (fault === 'dropped') this.end(one)
      if (fault === 'half-open') one.silent = true
      if (fault === 'delayed') this.delay(one)
      if (fault === 'duplicated') this.sayAgain(one)
    }
  }

  private end({ client, agent }: Carried): void {
    client.destroy()
    agent.destroy()
  }

  private delay({ client, agent }: Carried): void {
    for (const side of [client, agent]) side.pause()
    setTimeout(
      () => {
        for (const side of [client, agent]) side.resume()
      },
      this.chance.between(200, 3_000),
    )
  }

  /** The same bytes once more, over a connection of their own: what a network that repeats itself, or somebody who listened, can do. */
  private sayAgain({ said }: Carried): void {
    const second = createConnection(this.to)
    second.on('error', () => second.destroy()).on('data', () => undefined)
    for (const chunk of said) second.write(chunk)
    second.end()
  }
}
