import type { Machine } from './machine.js'
import type { Site } from './site.js'

/** One run of kubeadm on a node. */
export interface Kubeadm {
  readonly site: Site
  readonly machine: Machine
  /** Environment variables besides the usual ones. */
  readonly env?: Readonly<Record<string, string>>
  /** Aborted when its process is killed; it ends at its next line of output or its next retry. */
  readonly life?: AbortSignal
  /** A line of standard output. */
  print(line: string): void
  /** A line of standard error. */
  complain(line: string): void
}

/** A failed phase, with kubeadm's message: `error execution phase X: ...`. */
export class PhaseError extends Error {
  readonly phase: string
  constructor(phase: string, message: string) {
    super(`error execution phase ${phase}: ${message}`)
    this.phase = phase
  }
}
