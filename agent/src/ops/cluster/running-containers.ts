import { QuorateError } from '@quorate/shared/errors'
import type { ContainerFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Tools } from '../context/tools.js'

/** A static pod has one of each, and for a moment two. Each is stopped with a grace period: a runtime that lists thousands would be obeyed for days. */
const mostOfOne = 8

/**
 * Running containers of these static pods, according to the container runtime. Others may run an etcd or an API server of their own in a pod, whose container has
 * the same name: the pod of a static one is in kube-system, and its name ends with the node's.
 */
export async function runningContainers(
  tools: Tools,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ContainerFacts[]> {
  if (names.length === 0) return []
  const cri = tools.cri()
  try {
    const running = (await cri.containers(names, signal)).filter(
      ({ state, name, pod, namespace }) =>
        state === 'running' && namespace === 'kube-system' && pod.startsWith(`${name}-`),
    )
    if (running.length > mostOfOne * names.length) throw tooMany(running.length, names)
    return running
  } finally {
    cri.close()
  }
}

const tooMany = (count: number, names: readonly string[]): QuorateError =>
  new QuorateError(
    'CONTAINER_RUNTIME_REFUSED',
    `${count} containers of ${names.join(', ')} run, and a static pod has one`,
    { remedy: 'On that node: `crictl ps`. Restart the container runtime if it lists what does not run.' },
  )
