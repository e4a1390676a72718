import { type ChildProcess, spawn } from 'node:child_process'
import { get } from 'node:https'
import { fileURLToPath } from 'node:url'
import { preload } from './cluster.js'
import { isBusy, machineShare } from './machine-share.js'

export interface ProbeResult {
  readonly name: string
  readonly count: number
  readonly failed: number
  readonly longestGapMs: number
  readonly errors: Readonly<Record<string, number>>
}

const probe = fileURLToPath(new URL('../probe.mjs', import.meta.url))
/** 20 times a second. */
const everyMs = 50

/** Probes like those of a client, each in its own process, at the first control plane and (once it answers) at the endpoint. */
export class Probing {
  private readonly running: ChildProcess[] = []
  private readonly patienceMs: number
  private stopped = false
  private readonly results: Promise<ProbeResult>[] = []

  /** Timeout of each probe in milliseconds: two seconds, more on a busy machine, where a slow answer says nothing about the site. */
  constructor(patienceMs = isBusy(machineShare()) ? 20_000 : 2_000) {
    this.patienceMs = patienceMs
  }

  /** GET /readyz at an address, from now on. */
  at(name: string, host: string, port: number): void {
    // The preload ends it with this process, whatever ends that.
    const child = spawn(process.execPath, [`--import=${preload}`, probe, name, host, String(port), String(everyMs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PATIENCE_MS: String(this.patienceMs) },
    })
    this.running.push(child)
    this.results.push(
      new Promise((resolve) => {
        let text = ''
        child.stdout?.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        child.once('close', () => resolve(JSON.parse(text) as ProbeResult))
      }),
    )
  }

  /** As `at`, from the first good answer on: earlier failures do not count. */
  async whenUp(name: string, host: string, port: number): Promise<void> {
    while (!this.stopped && !(await answers(host, port))) await new Promise((resolve) => setTimeout(resolve, 20))
    if (!this.stopped) this.at(name, host, port)
  }

  async stop(): Promise<ProbeResult[]> {
    this.stopped = true
    for (const child of this.running) child.kill('SIGTERM')
    return Promise.all(this.results)
  }
}

/** Whether /readyz is 200 there now, or refused without credentials: only an API server does that. */
export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host, port, path: '/readyz', rejectUnauthorized: false, agent: false, timeout: 1000 },
      (response) => {
        response.resume()
        resolve([200, 401].includes(response.statusCode ?? 0))
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
