import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { tarPiece } from './tar.js'

/** An agent's binary that nodes can get. */
export interface AgentFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  /** `x64`, `arm64`; `any`: a script. */
  readonly architecture: string
  /** The binary as a piece of a stream. Made once, however many nodes get it. */
  packed(): Promise<Buffer>
}

/** The machines of ELF (elf.h) that there are agents for. */
const machines: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' }

/**
 * Those that are named, or those that lie beside this program or, of the system package, in ../lib/quorate; the first of an architecture is taken. USAGE
 * where there is none, or one is no agent.
 */
export async function agentFiles(named: readonly string[], beside: string): Promise<readonly AgentFile[]> {
  const folder = dirname(beside)
  const paths =
    named.length > 0 ? named : [...(await agentsIn(folder)), ...(await agentsIn(join(folder, '../lib/quorate')))]
  if (paths.length === 0)
    throw new QuorateError('USAGE', 'there is no quorate-agent beside this program', {
      where: folder,
      remedy:
        'Put quorate-agent (and quorate-agent-arm64 for such nodes) into the same folder, or name the files with --agent.',
    })
  return Promise.all(paths.map(agentFile))
}

async function agentsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => /^quorate-agent(-[a-z0-9-]+)?$/.test(name)).map((name) => join(folder, name))
}

async function agentFile(path: string): Promise<AgentFile> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('USAGE', `the agent cannot be read: ${cause.code ?? cause.message}`, { where: path, cause })
  })
  const architecture = architectureOf(bytes)
  if (architecture === undefined)
    throw new QuorateError('USAGE', 'this file is not an executable for Linux on x64 or arm64', {
      where: path,
      remedy: 'Name the quorate-agent of a release with --agent.',
    })
  let packed: Promise<Buffer> | undefined
  return {
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    architecture,
    packed: () => {
      packed ??= tarPiece([{ name: 'quorate-agent', mode: 0o755, bytes }])
      return packed
    },
  }
}

function architectureOf(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 2).toString('latin1') === '#!') return 'any'
  if (bytes.length < 20 || bytes.subarray(0, 4).toString('latin1') !== '\u007fELF') return undefined
  return machines[bytes.readUInt16LE(18)]
}

/** The one for that architecture. */
export const agentFor = (files: readonly AgentFile[], architecture: string): AgentFile | undefined =>
  files.find((file) => file.architecture === architecture || file.architecture === 'any')
