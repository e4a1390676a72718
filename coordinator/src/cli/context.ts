import type { Command } from 'commander'
import type { Session } from '../runs/context/session.js'
import type { OwnIdentity } from '../state/own-identity.js'
import type { Terminal } from './terminal.js'

export interface ServeOptions {
  readonly state: string
  /** `ADDRESS:PORT` or `unix:/PATH`. */
  readonly listen: string
  /** Unset: in the state folder. */
  readonly tokenFile?: string
  readonly tls?: boolean
  /** `ADDRESS:PORT` where nodes join with a token; unset: nowhere. */
  readonly enrollListen?: string
  /** Every run needs at least so many approvals; unset: as its cluster file says. */
  readonly approvals?: number
}

/** A running REST server. */
export interface Served {
  readonly url: string
  /** Where nodes join. */
  readonly enrollUrl?: string
  /** File with the bearer token. */
  readonly tokenFile: string
  close(): Promise<void>
}

/** A command of this program in its own process, which outlives this one. */
export interface DetachedCommand {
  readonly pid: number
  /** File with its output. */
  readonly log: string
  /** Id of its run, as soon as the journal holds it; stays pending when the process ends before. */
  readonly begun: Promise<string>
  readonly ended: Promise<{ readonly exitCode: number; readonly said: string }>
  /** Asks it to stop. */
  stop(): void
  /** Detaches it, so that this process can exit first. */
  leave(): void
  /** Removes its log. */
  forget(): void
}

/** What the commands need from the process; main.ts makes it. */
export interface CliContext {
  readonly terminal: Terminal
  /** Standard input, as bytes. */
  input(): AsyncIterable<Uint8Array>
  readonly version: string
  readonly defaultState: string
  /** Opens a state folder; STATE_NOT_INITIALISED. `identity`: calls agents with it, not with the coordinator's own. */
  openSession(folder: string, identity?: OwnIdentity): Promise<Session>
  /** Serves REST; resolves when it listens. */
  serve(options: ServeOptions): Promise<Served>
  /** Calls back for each SIGINT, SIGTERM and SIGHUP. The returned function unsubscribes. */
  onStop(callback: () => void): () => void
  /** Calls back when the output was closed. A run continues then; a command that only reads can end. The returned function unsubscribes. */
  onClosed(callback: () => void): () => void
  /** Starts a command line of this program that outlives this process and its terminal. */
  detach(args: readonly string[], state: string): DetachedCommand
  /** Set in a detached process: reports the id of its run once it has started. */
  readonly begun?: (run: string) => void
  now(): number
}

/** Options of every command. */
export interface CommonOptions {
  readonly state: string
  readonly output: 'text' | 'json'
  /** Folder of the identity to act with; unset: the coordinator's own. */
  readonly identity?: string
}

/** Makes one command; it passes its exit code to `finish`. */
export type CommandMaker = (context: CliContext, finish: (exitCode: number) => void) => Command
