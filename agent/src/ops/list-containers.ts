import type { ListContainersRequest, ListContainersResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './operation.js'

/** Also containers that have exited: a restart is seen by the id that is new. */
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
