import { createServer, type Server } from 'node:net'

export interface Subnet {
  /** Address of the host of that number. */
  addressOf(host: number): string
  /** Held while the laboratory runs, so that no other takes the subnet. */
  readonly lock: Server
}

const lockPort = 7400
const ports = [6443, 2379, 2380, 10250, 7445, 8443]

/** fd00:13::/64: only a separate network namespace has it on loopback, so no other laboratory can use it. */
export async function takeIpv6Subnet(): Promise<Subnet> {
  const addressOf = (host: number): string => `fd00:13::${host}`
  const lock = await listen(addressOf(1), lockPort)
  if (lock === undefined)
    throw new Error(
      'fd00:13::1 is not here: IPv6 is simulated in a network namespace that has fd00:13::1 to fd00:13::160 on its loopback',
    )
  return { addressOf, lock }
}

/** A free /24 of 127.0.0.0/8: any address of it can be listened on without root. Tries the preferred one first. */
export async function takeSubnet(preferred: string | undefined): Promise<Subnet> {
  const random = (): string => `127.${20 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 250)}`
  const wishes =
    preferred === undefined ? Array.from({ length: 50 }, random) : [preferred, ...Array.from({ length: 20 }, random)]
  for (const prefix of wishes) {
    const lock = await listen(`${prefix}.1`, lockPort)
    if (lock === undefined) continue
    if (await allFree(`${prefix}.30`)) return { addressOf: (host) => `${prefix}.${host}`, lock }
    lock.close()
  }
  throw new Error(
    `no free subnet in 127.0.0.0/8: something on this machine listens on all addresses of one of the ports ${ports.join(', ')}`,
  )
}

async function allFree(address: string): Promise<boolean> {
  for (const port of ports) {
    const server = await listen(address, port)
    if (server === undefined) return false
    await new Promise((resolve) => server.close(resolve))
  }
  return true
}

function listen(address: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, address, () => resolve(server))
  })
}
