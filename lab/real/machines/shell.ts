import { type SpawnOptions, spawn } from 'node:child_process'

export interface RunResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program and collects its output; a non-zero exit code is a result. */
export function capture(
  file: string,
  args: readonly string[],
  options: SpawnOptions & { input?: string } = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ exitCode: code ?? (signal === null ? 1 : 128), stdout, stderr }))
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

/** Runs a program; throws with its output if it fails. */
export async function must(
  file: string,
  args: readonly string[],
  options: SpawnOptions & { input?: string } = {},
): Promise<string> {
  const result = await capture(file, args, options)
  if (result.exitCode !== 0) {
    const tail = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-15).join('\n')
    throw new Error(`${file} ${args.join(' ')} ended with ${result.exitCode}:\n${tail}`)
  }
  return result.stdout
}

/** Runs a program on this terminal; resolves with its exit code. */
export function onTerminal(file: string, args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: 'inherit' })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** Prints the current task, and its duration when it is finished. */
export async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  const tty = process.stderr.isTTY
  process.stderr.write(tty ? `  ${what} ...` : `  ${what} ...\n`)
  try {
    return await work()
  } finally {
    const seconds = ((Date.now() - started) / 1000).toFixed(1)
    process.stderr.write(tty ? `\r  ${what}: ${seconds} s   \n` : `  ${what}: ${seconds} s\n`)
  }
}
