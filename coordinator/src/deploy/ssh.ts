import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { QuorateError } from '@quorate/shared/errors'
import { openCommand } from './remote-commands.js'

/** How a command on a node ended. */
export interface SshAnswer {
  /** 255: ssh itself failed. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Commands on one node, through one connection. */
export interface SshChannel {
  /** Opens the connection: here ssh may ask for what it asks on a terminal. */
  open(): Promise<SshAnswer>
  run(command: string, input: readonly Uint8Array[]): Promise<SshAnswer>
}

/** Connections to nodes by the system's ssh. */
export interface Ssh {
  /** `destination`: as it is typed after `ssh`. */
  channel(destination: string): SshChannel
  close(): Promise<void>
}

/** What a node prints is read up to this. */
const mostBytes = 4 * 1024 * 1024
/** A connection that is not used for so long ends by itself, also when this process was killed. */
const idleSeconds = 60
/** A command that takes longer is given up: a node may have vanished without a word. */
const patienceMs = 15 * 60_000

/**
 * The `ssh` in PATH with the configuration of its user: agent, FIDO keys, ProxyJump, known_hosts. Added is one shared connection for each node, and
 * nothing else: no option about host keys, ever.
 */
export async function openSsh(): Promise<Ssh> {
  // Short: the path of a unix socket may have 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'quorate-ssh-'))
  const opened = new Map<string, readonly string[]>()
  return {
    channel(destination) {
      const options = opened.get(destination) ?? optionsOf(join(folder, String(opened.size)))
      opened.set(destination, options)
      const run = (command: string, input: readonly Uint8Array[]) =>
        runSsh([...options, '-T', '--', destination, command], input)
      return { open: () => run(openCommand, []), run }
    },
    async close() {
      const ends = [...opened].map(([destination, options]) =>
        runSsh([...options, '-O', 'exit', '--', destination], []).catch(() => undefined),
      )
      await Promise.all(ends)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const optionsOf = (socket: string): readonly string[] => [
  ...['-o', 'ControlMaster=auto'],
  ...['-o', `ControlPath=${socket}`],
  ...['-o', `ControlPersist=${idleSeconds}`],
]

async function runSsh(args: readonly string[], input: readonly Uint8Array[]): Promise<SshAnswer> {
  const child = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)]
  const timer = setTimeout(() => child.kill(), patienceMs)
  // Not `close`: a connection that stays in the background may keep standard error open.
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new QuorateError('SSH_FAILED', `ssh cannot be started on this machine: ${cause.message}`, {
          cause,
          remedy: 'Install the OpenSSH client.',
        }),
      ),
    )
    child.once('exit', (code) => resolve(code ?? 255))
  })
  // A node may end before it has read all: its exit code says why.
  const sent = pipeline(Readable.from(input), child.stdin).catch(() => undefined)
  try {
    const exitCode = await ended
    await Promise.race([Promise.all([stdout.ended, stderr.ended]), laterThan(200)])
    child.stdin.destroy()
    await sent
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    clearTimeout(timer)
    for (const stream of [child.stdout, child.stderr]) stream.destroy()
  }
}

const laterThan = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())

function gather(stream: Readable): { text(): string; readonly ended: Promise<void> } {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= mostBytes) chunks.push(chunk)
  })
  const ended = new Promise<void>((resolve) => stream.once('close', resolve))
  return { text: () => Buffer.concat(chunks).toString('utf8'), ended }
}
