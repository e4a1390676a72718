import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lab } from './lab.js'
import { capture } from './machines/shell.js'

export interface ProbeResult {
  readonly name: string
  readonly count: number
  readonly failed: number
  readonly longestGapMs: number
  readonly errors: Readonly<Record<string, number>>
}

/** The address of the endpoint for clients, and their network. */
export interface ProbedPlace {
  readonly address: string
  readonly port: string
  within(argv: readonly string[]): readonly [string, string[]]
}

const virtualIP = (lab: Lab): ProbedPlace => ({
  address: lab.virtualIP,
  port: lab.endpointPort,
  within: (argv) => lab.network.within(argv),
})

const probe = fileURLToPath(new URL('../probe.mjs', import.meta.url))

/** Five nodes share this machine's processors: an answer that waits for one of them for two seconds is late, and not lost. The longest gap is told. */
const patienceMs = 5_000

const command = (...args: readonly string[]): string[] => [process.execPath, probe, ...args]

/** Clients of the lab's API during a test: reads at 20 Hz at several targets, an authenticated write every 250 ms. */
export class Probes {
  readonly #children: ChildProcess[] = []
  readonly #output: Promise<string>[] = []

  /** Only at the first control plane: for a time without an endpoint. */
  static direct(lab: Lab): Probes {
    const probes = new Probes()
    probes.#add(lab, ['first', lab.node('cp1').address, String(lab.apiPort), '50'])
    return probes
  }

  /** Reads and writes at the first control plane: these must work while an endpoint is undone. */
  static async directWithWrites(lab: Lab): Promise<Probes> {
    const credentials = await clientCertificate(lab)
    const probes = Probes.direct(lab)
    probes.#add(lab, ['writes', lab.node('cp1').address, String(lab.apiPort), '250', credentials.cert, credentials.key])
    return probes
  }

  /** Only reads through the virtual IP. */
  static endpoint(lab: Lab): Probes {
    const probes = new Probes()
    probes.#add(lab, ['endpoint', lab.virtualIP, lab.endpointPort, '50'])
    return probes
  }

  /** Adds the targets that exist only with the load balancer, as soon as it runs; gives up after five minutes. */
  async addEndpointWhenUp(lab: Lab, place = virtualIP(lab)): Promise<void> {
    const url = `https://${place.address}:${place.port}/readyz`
    for (const deadline = Date.now() + 300_000; Date.now() < deadline; ) {
      const asked = ['curl', '-sk', '--max-time', '1', '-o', '/dev/null', '-w', '%{http_code}', url]
      // 401: it is up, and refuses requests without credentials.
      if (['200', '401'].includes((await capture(...place.within(asked))).stdout)) return this.#addEndpoint(lab, place)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async #addEndpoint(lab: Lab, { address, port, within }: ProbedPlace): Promise<void> {
    const credentials = await clientCertificate(lab)
    this.#start(within(command('endpoint', address, port, '50')))
    this.#start(within(command('writes', address, port, '250', credentials.cert, credentials.key)))
  }

  #add(lab: Lab, args: readonly string[]): void {
    this.#start(lab.network.within(command(...args)))
  }

  #start([file, argv]: readonly [string, string[]]): void {
    const child = spawn(file, argv, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATIENCE_MS: String(patienceMs) },
    })
    this.#children.push(child)
    this.#output.push(
      new Promise((resolve) => {
        let text = ''
        child.stdout.on('data', (chunk) => {
          text += chunk
        })
        child.on('close', () => resolve(text))
      }),
    )
  }

  async stop(): Promise<ProbeResult[]> {
    for (const child of this.#children) child.kill('SIGTERM')
    return (await Promise.all(this.#output)).map((line) => JSON.parse(line))
  }
}

/** The admin's client certificate as files, and the object for the writes. */
async function clientCertificate(lab: Lab): Promise<{ cert: string; key: string }> {
  const cp1 = lab.node('cp1')
  const folder = join(lab.folder, 'client')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const config = await cp1.must(['cat', '/etc/kubernetes/admin.conf'])
  const field = (name: string) => Buffer.from(new RegExp(`${name}: (\\S+)`).exec(config)?.[1] ?? '', 'base64')
  const files = { cert: join(folder, 'client.crt'), key: join(folder, 'client.key') }
  writeFileSync(files.cert, field('client-certificate-data'), { mode: 0o600 })
  writeFileSync(files.key, field('client-key-data'), { mode: 0o600 })
  await cp1.sh(['kubectl', '-n', 'default', 'create', 'configmap', 'quorate-probe'])
  return files
}
