import type { Machine } from './machine.js'
import type { Site } from './site.js'

/** One run of kubeadm on a node. */
export interface Kubeadm {
  readonly site: Site
  readonly machine: Machine
  /** Variables that it was started with beyond the usual. */
  readonly env?: Readonly<Record<string, string>>
  /** Aborted when its process is killed; it dies at its next line, or where it tries something again. */
  readonly life?: AbortSignal
  /** A line of standard output. */
  print(line: string): void
  /** A line of standard error. */
  complain(line: string): void
}

/** A phase that failed, in kubeadm's words: `error execution phase X: ...`. */
export class PhaseError extends Error {
  readonly phase: string
  constructor(phase: string, message: string) {
    super(`error execution phase ${phase}: ${message}`)
    this.phase = phase
  }
}
