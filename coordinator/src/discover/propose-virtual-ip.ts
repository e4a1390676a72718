import { connect, isIP } from 'node:net'

/** What an address did when a connection was tried: `silent` if nothing answered, `unknown` if this machine has no way there. */
export type Reaction = 'answers' | 'silent' | 'unknown'

/** Of a machine that runs, one of these usually answers or refuses. */
const ports = [22, 443, 6443]
const patienceMs = 700
/** From the top of the subnet, which DHCP servers rarely give out. */
const lastNumbers = Array.from({ length: 24 }, (_, index) => 250 - index)

/** An address in the /24 of `near` that nothing answers at, and what speaks for it; undefined where none is found. */
export async function proposeVirtualIp(
  near: string,
  known: ReadonlySet<string>,
  react: (address: string) => Promise<Reaction>,
): Promise<{ readonly address: string; readonly from: string } | undefined> {
  if (isIP(near) !== 4) return undefined
  const network = near.slice(0, near.lastIndexOf('.'))
  for (const number of lastNumbers) {
    const address = `${network}.${number}`
    if (known.has(address)) continue
    const seen = await react(address)
    if (seen === 'unknown') return undefined
    if (seen === 'silent')
      return {
        address,
        from: `proposed: nothing answered there on TCP ${ports.join(', ')}. Reserve it, so that DHCP never gives it out`,
      }
  }
  return undefined
}

/** Tries connections to an address; nothing is sent. */
export async function reaction(address: string): Promise<Reaction> {
  const all = await Promise.all(ports.map((port) => reactionAt(address, port)))
  return all.find((one) => one === 'answers') ?? all.find((one) => one === 'unknown') ?? 'silent'
}

function reactionAt(host: string, port: number): Promise<Reaction> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (reaction: Reaction) => {
      socket.destroy()
      resolve(reaction)
    }
    socket.setTimeout(patienceMs, () => end('silent'))
    socket.once('connect', () => end('answers'))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET') end('answers')
      else end(code === 'EHOSTUNREACH' || code === 'ETIMEDOUT' ? 'silent' : 'unknown')
    })
  })
}
