import type { ContainerFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** The Container Runtime Interface, runtime.v1, over the runtime's unix socket. */
export interface CriClient {
  /** `containerd 1.7.2`; throws when the runtime does not answer. */
  version(signal?: AbortSignal): Promise<string>
  /** All containers, including exited ones; empty `names` means all. */
  containers(names: readonly string[], signal?: AbortSignal): Promise<ContainerFacts[]>
  /** SIGTERM, then SIGKILL after the grace period (seconds). */
  stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>
  /** Image references that are present. */
  images(signal?: AbortSignal): Promise<string[]>
  pullImage(image: string, signal?: AbortSignal): Promise<void>
  close(): void
}
