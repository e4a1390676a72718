import { generateKeyPairSync } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Checkpoint, openCheckpoint, signCheckpoint, verifierOf } from '@quorate/shared/checkpoint'
import { leafHash, rootOf } from '@quorate/shared/merkle'
import { syncFolder, writeDurably } from '../state/write-file.js'

/** One line of the history: an act by the command line or REST, or how far the journal of a run goes. */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly at: string
  /** `quorate convert`, `POST /v1/runs`, `journal`. */
  readonly what: string
  /** User of this machine, name of a certificate, `token`, or `unknown`. */
  readonly who: string
  /** Address, or where the user logged in from. */
  readonly from?: string
  /** SHA-256 of the caller's certificate. */
  readonly fingerprint?: string
  /** `began`, `exit code N`, an error's code, an HTTP status; of a journal `sealed`. */
  readonly outcome: string
  /** Of a journal: run, number and hash of its last record, bytes read so far. */
  readonly run?: string
  readonly seq?: number
  readonly hash?: string
  readonly bytes?: number
}

/** The history as it is on the disk. */
export interface ReadHistory {
  /** Lines that are no entry are left out: a power cut may leave half of one. */
  readonly entries: readonly HistoryEntry[]
  /** RFC 6962 leaf hash of each line. */
  readonly leaves: readonly Buffer[]
}

/**
 * What was done with a state folder, who did it, and how it ended: lines that are only appended to, the leaves of a Merkle tree (RFC 6962). A
 * checkpoint signs the tree; agents keep the newest that they were shown (docs/decisions/0016-history.md).
 */
export interface History {
  /** Resolves when the entry is on the disk. */
  append(entry: Omit<HistoryEntry, 'at'>): Promise<void>
  read(): Promise<ReadHistory>
  /** Signs the tree over these leaves as the newest checkpoint. */
  sign(leaves: readonly Buffer[]): Promise<void>
  /** The newest checkpoint as it was signed; empty before the first. */
  note(): Promise<string>
  /** The newest checkpoint; undefined before the first. CHECKPOINT_REFUSED where its signature is wrong. */
  newest(): Promise<Checkpoint | undefined>
  /** What verifies checkpoints: NAME+HASH+KEY. */
  verifier(): Promise<string>
  /** Name of the log. */
  origin(): Promise<string>
}

export interface HistoryParts {
  /** `audit/` of the state folder. */
  readonly folder: string
  /** The private key that signs, in PEM. */
  readonly keyPath: string
  /** Names the log. */
  fleetId(): Promise<string>
  now?(): number
}

export function historyOf({ folder, keyPath, fleetId, now = Date.now }: HistoryParts): History {
  const [path, checkpointPath] = [join(folder, 'history.jsonl'), join(folder, 'checkpoint')]
  const origin = async () => `quorate/${await fleetId()}`
  const key = () => keyOf(keyPath)
  const note = async () => (await readFile(checkpointPath, 'utf8').catch(absent)) ?? ''
  return {
    origin,
    async append(entry) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await appendLine(path, JSON.stringify({ at: new Date(now()).toISOString(), ...entry }))
    },
    async read() {
      const lines = linesOf(await readFile(path).catch(absent))
      const entries = lines.map(entryOf).filter((entry) => entry !== undefined)
      return { entries, leaves: lines.map(leafHash) }
    },
    async sign(leaves) {
      const signed = signCheckpoint({ origin: await origin(), size: leaves.length, root: rootOf(leaves) }, await key())
      await writeDurably(checkpointPath, signed, 0o600)
    },
    note,
    async newest() {
      const signed = await note()
      return signed === '' ? undefined : openCheckpoint(signed, verifierOf(await origin(), await key()))
    },
    verifier: async () => verifierOf(await origin(), await key()),
  }
}

/** The key is made when it is first needed: state folders of earlier versions have none. */
async function keyOf(path: string): Promise<string> {
  const present = await readFile(path, 'utf8').catch(absent)
  if (present !== undefined) return present
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await writeDurably(path, privateKey, 0o600)
  return privateKey
}

/** In one write, so that lines of several processes do not mix; a half line that a power cut left is ended first. */
async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+', 0o600)
  try {
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    const isHalf = size > 0 && last[0] !== 10
    await file.appendFile(`${isHalf ? '\n' : ''}${line}\n`)
    await file.datasync()
    if (size === 0) await syncFolder(join(path, '..'))
  } finally {
    await file.close()
  }
}

/** Complete lines, as bytes. */
function linesOf(bytes: Buffer = Buffer.alloc(0)): readonly Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0, end = bytes.indexOf(10); end !== -1; start = end + 1, end = bytes.indexOf(10, start))
    lines.push(bytes.subarray(start, end))
  return lines
}

function entryOf(line: Buffer): HistoryEntry | undefined {
  try {
    const entry = JSON.parse(line.toString('utf8')) as Partial<HistoryEntry> | null
    const texts = [entry?.at, entry?.what, entry?.who, entry?.outcome]
    return texts.every((text) => typeof text === 'string') ? (entry as HistoryEntry) : undefined
  } catch {
    return undefined
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
