import type { Command } from 'commander'
import type { Session } from '../runs/session.js'
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

/** A command of this program in a process of its own, which outlives this one. */
export interface DetachedCommand {
  readonly pid: number
  /** File with all that it prints. */
  readonly log: string
  /** Id of its run as soon as that is in its journal; pending where it ends before. */
  readonly begun: Promise<string>
  readonly ended: Promise<{ readonly exitCode: number; readonly said: string }>
  /** Asks it to stop. */
  stop(): void
  /** Lets this process end before it. */
  leave(): void
  /** Removes its log. */
  forget(): void
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
  /** Starts a command line of this program that goes on without this process and its terminal. */
  detach(args: readonly string[], state: string): DetachedCommand
  /** Set in a process that was started so: to be told the id of its run when that has begun. */
  readonly begun?: (run: string) => void
  now(): number
}

/** Options that every command takes. */
export interface CommonOptions {
  readonly state: string
  readonly output: 'text' | 'json'
}

/** Makes one command; `finish` is given the exit code that it ends with. */
export type CommandMaker = (context: CliContext, finish: (exitCode: number) => void) => Command
