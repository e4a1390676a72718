import { QuorateError } from './errors.js'

/** Where an agent lies on a node. The shell commands of `quorate deploy` name the same paths. */
export const installPaths = {
  binary: '/usr/bin/quorate-agent',
  unit: '/etc/systemd/system/quorate-agent.service',
  /** The unit of an agent that came as a package of the distribution. It has no unit of ours beside: that one would hide the next release's. */
  packagedUnit: '/usr/lib/systemd/system/quorate-agent.service',
  config: '/etc/quorate',
  state: '/var/lib/quorate-agent',
  /** What an installation needs beside the binary, on its file system, so that a rename puts a new one into place. */
  home: '/usr/lib/quorate-agent',
} as const

/** The one file of a stream to a node that says what to do; it is the last one, so a stream that broke off has none. */
export const jobFile = 'job.json'

/**
 * What `quorate-agent install` does on its node. `stage`: keeps the new binary ready and, for a new identity, makes its key. `apply`: keeps what
 * the node had, puts the new files into place, restarts the agent. `confirm`: the agent has answered. `rollback`: what the node had comes back.
 */
export interface InstallJob {
  readonly job: 'stage' | 'apply' | 'confirm' | 'rollback'
  readonly node: string
  /** Hexadecimal, of the binary that the node is to have. */
  readonly sha256: string
  /** A new key and certificate. */
  readonly identity: boolean
}

/** What it prints, as one line of JSON. */
export interface InstallAnswer {
  readonly ok: boolean
  /** What was done, or why not. */
  readonly said: string
  /** Of an error. */
  readonly remedy?: string
  /** The node is as it was before. */
  readonly asBefore?: boolean
  /** The new key, and by that key the signature of the offer in base64. */
  readonly publicKeyPem?: string
  readonly signature?: string
}

const jobs = ['stage', 'apply', 'confirm', 'rollback'] as const

/** INVALID_REQUEST for a text that is no job. */
export function parseInstallJob(text: string): InstallJob {
  const value = objectIn(text)
  const job = jobs.find((one) => one === value?.['job'])
  const { node, sha256, identity } = value ?? {}
  if (
    job === undefined ||
    typeof node !== 'string' ||
    typeof sha256 !== 'string' ||
    !/^[0-9a-f]{64}$/.test(sha256) ||
    typeof identity !== 'boolean'
  )
    throw new QuorateError('INVALID_REQUEST', `${jobFile} is not a job for this version of quorate-agent`)
  return { job, node, sha256, identity }
}

/** The answer in what a node printed: its last line. Undefined where there is none. */
export function parseInstallAnswer(printed: string): InstallAnswer | undefined {
  const value = objectIn(printed.trimEnd().split('\n').at(-1) ?? '')
  if (value === undefined || typeof value['ok'] !== 'boolean' || typeof value['said'] !== 'string') return undefined
  const text = (key: 'remedy' | 'publicKeyPem' | 'signature') =>
    typeof value[key] === 'string' ? { [key]: value[key] } : {}
  return {
    ok: value['ok'],
    said: value['said'],
    asBefore: value['asBefore'] === true,
    ...text('remedy'),
    ...text('publicKeyPem'),
    ...text('signature'),
  }
}

/** The JSON object that a text is; undefined for any other text. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
