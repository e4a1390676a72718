import type { Session } from '../conversion/session.js'
import type { Terminal } from './terminal.js'

export interface ServeOptions {
  readonly state: string
  /** `ADDRESS:PORT` or `unix:/PATH`. */
  readonly listen: string
  /** Unset: in the state folder. */
  readonly tokenFile?: string
  readonly tls?: boolean
}

/** REST that is being served. */
export interface Served {
  readonly url: string
  /** File with the bearer token. */
  readonly tokenFile: string
  close(): Promise<void>
}

/** What the commands need of the process; main.ts makes it. */
export interface CliContext {
  readonly terminal: Terminal
  /** Standard input, as bytes. */
  input(): AsyncIterable<Uint8Array>
  readonly version: string
  readonly defaultState: string
  /** Opens a state folder; STATE_NOT_INITIALISED. */
  openSession(folder: string): Promise<Session>
  /** Begins to serve REST; resolves when it listens. */
  serve(options: ServeOptions): Promise<Served>
  /** Calls back for each SIGINT, SIGTERM and SIGHUP until the function that it returns is called. */
  onStop(callback: () => void): () => void
  /** Calls back when nobody reads any more what is written, until the function that it returns is called. A run goes on then; who only looks has nothing left to do. */
  onClosed(callback: () => void): () => void
  now(): number
}

/** Options that every command takes. */
export interface CommonOptions {
  readonly state: string
  readonly output: 'text' | 'json'
}
