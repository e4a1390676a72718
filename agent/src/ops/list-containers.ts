import type { ListContainersRequest, ListContainersResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** Includes exited containers: a new id shows a restart. */
export const listContainers = readOperation<ListContainersRequest, ListContainersResponse>(
  async ({ names }, tools, signal) => {
    const cri = tools.cri()
    try {
      return { containers: await cri.containers(names, signal) }
    } finally {
      cri.close()
    }
  },
)
