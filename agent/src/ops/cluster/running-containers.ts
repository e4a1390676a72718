import type { ContainerFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Tools } from '../context/tools.js'

/** Running containers of these names, according to the container runtime. */
export async function runningContainers(
  tools: Tools,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ContainerFacts[]> {
  if (names.length === 0) return []
  const cri = tools.cri()
  try {
    return (await cri.containers(names, signal)).filter(({ state }) => state === 'running')
  } finally {
    cri.close()
  }
}
