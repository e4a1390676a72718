import { type ChildProcess, spawn } from 'node:child_process'
import { type ProgramRun, preload, type SimulatedCluster } from '../../lab/simulated/cluster.js'

/** `quorate ARGS` as a process of its own that a test sends signals to. */
export class CoordinatorProcess {
  readonly ended: Promise<ProgramRun>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(cluster: SimulatedCluster, args: readonly string[]) {
    const all = [`--import=${preload}`, cluster.bundles.quorate, ...args, '--state', cluster.stateFolder]
    this.#child = spawn(process.execPath, all, {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString()
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString()
    })
    this.ended = new Promise((resolve) =>
      this.#child.once('close', (code) =>
        resolve({ exitCode: code ?? 128, stdout: this.#stdout, stderr: this.#stderr }),
      ),
    )
  }

  /** Resolves when it has said that; rejects when it ends before. */
  async said(what: RegExp): Promise<void> {
    while (!what.test(this.#stdout + this.#stderr)) {
      if (this.#child.exitCode !== null)
        throw new Error(`it ended before it said ${what}:\n${this.#stdout.slice(-3000)}${this.#stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
