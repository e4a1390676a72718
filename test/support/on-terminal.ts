import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { holds, notYet, until } from '@quorate/shared/until'
import type { ProgramRun, SimulatedCluster } from '../../lab/simulated/cluster.js'

/** `quorate ARGS` for a shell. Not as the lab starts programs: those read their standard input themselves, and end with it. */
export const commandLine = (cluster: SimulatedCluster, args: readonly string[]): string =>
  [process.execPath, cluster.bundles.quorate, ...args, '--state', cluster.stateFolder]
    .map((word) => `'${word}'`)
    .join(' ')

/** `quorate ARGS` as a shell starts it: what it leaves in the background goes on. */
export function typed(cluster: SimulatedCluster, args: readonly string[]): ProgramRun {
  const env = { ...process.env, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync('sh', ['-c', commandLine(cluster, args)], { encoding: 'utf8', env })
  return { exitCode: status ?? 128, stdout, stderr }
}

export const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)

/** Resolves when a process in the background is gone. */
export const goneSoon = (pid: number) =>
  until('the end of the process', async () => (isAlive(pid) ? notYet('it lives') : holds(true)), {
    deadlineMs: 30_000,
    everyMs: 100,
  })

export interface OnTerminal {
  readonly args: readonly string[]
  /** Asked of its output so far each time that it writes. */
  when(output: string): boolean
  /** What is done then. */
  act(terminal: { type(text: string): void; close(): void }): void
}

/** A command on a terminal of its own, of which `script` holds the other end. */
export function onTerminal(cluster: SimulatedCluster, { args, when, act }: OnTerminal) {
  return new Promise<{ exitCode: number | null; output: string }>((resolve) => {
    const script = spawn('script', ['-qefc', commandLine(cluster, args), '/dev/null'], {
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let [output, acted] = ['', false]
    script.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (acted || !when(output)) return
      acted = true
      act({ type: (text) => script.stdin.write(text), close: () => script.kill('SIGKILL') })
    })
    script.once('exit', (exitCode) => resolve({ exitCode, output }))
  })
}
