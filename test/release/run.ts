import { type SpawnSyncOptions, spawnSync } from 'node:child_process'

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export function attempt(program: string, args: readonly string[], options: SpawnSyncOptions = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...{ encoding: 'utf8', maxBuffer: 2 ** 28 },
    ...options,
  })
  if (error !== undefined) throw error
  return { status, stdout: String(stdout), stderr: String(stderr) }
}

/** What it prints; throws where it fails. */
export function must(program: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
  const { status, stdout, stderr } = attempt(program, args, options)
  if (status === 0) return stdout
  throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`)
}
