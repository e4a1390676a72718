import type { Server, Socket } from 'node:net'

/** How many connections whose peer has not proved who it is a server keeps, and how long. */
export interface UnprovenLimits {
  /** From accepting the connection to the proof, however busy it is meanwhile. */
  readonly withinMs: number
  readonly inAll: number
  readonly ofOneAddress: number
}

/**
 * A TLS handshake on loopback or in one network takes milliseconds, across continents less than a second. One that is not finished holds
 * about 70 KiB of the agent (measured: 3,000 of them, 210 MiB), so that 128 are 9 MiB of its unit's 256. A coordinator opens one connection
 * to an agent, and a few more where people look beside a run: 32 from its address at the same moment are more than it ever has.
 */
export const handshakeLimits: UnprovenLimits = { withinMs: 5_000, inAll: 128, ofOneAddress: 32 }

interface Unproven {
  readonly socket: Socket
  readonly address: string
  readonly timer: NodeJS.Timeout
}

/**
 * Watches the connections that a server accepts until their peers have proved who they are. Where there are too many, the oldest ends: a
 * peer that can prove itself does so at once, so it is answered while strangers hold every place. Proven connections are not counted: who has one keeps it.
 */
export class UnprovenConnections {
  /** In the order in which they came. */
  private readonly waiting = new Map<string | Socket, Unproven>()
  private readonly limits: UnprovenLimits

  constructor(server: Server, limits: UnprovenLimits) {
    this.limits = limits
    server.on('connection', (socket: Socket) => this.add(socket))
  }

  /** Whether the connection was still waiting; it is not watched any longer. */
  prove(socket: Socket): boolean {
    const key = keyOf(socket)
    const known = this.waiting.get(key)
    clearTimeout(known?.timer)
    return this.waiting.delete(key)
  }

  /** Ends every connection without a proof. */
  end(): void {
    for (const { socket } of this.waiting.values()) socket.destroy()
  }

  private add(socket: Socket): void {
    const [key, address] = [keyOf(socket), socket.remoteAddress ?? '']
    const timer = setTimeout(() => socket.destroy(), this.limits.withinMs)
    const own: Unproven = { socket, address, timer }
    this.waiting.set(key, own)
    socket.once('close', () => {
      clearTimeout(timer)
      // The peer may have opened another connection from the same port since.
      if (this.waiting.get(key) === own) this.waiting.delete(key)
    })
    const all = [...this.waiting.values()]
    const beside = all.filter((each) => each.address === address)
    if (beside.length > this.limits.ofOneAddress) beside[0]?.socket.destroy()
    else if (all.length > this.limits.inAll) all[0]?.socket.destroy()
  }
}

/** TLS puts a socket of its own around the one that was accepted: both have the same peer. A Unix socket has none. */
const keyOf = (socket: Socket): string | Socket =>
  socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`
