import type { DeleteApiServiceRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { apiServiceName, apiServicePath, isOurService, readApiService } from './cluster/api-service.js'
import { changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

/** Deletes the Service that ApplyApiService made; one of somebody else is left alone. */
export const deleteApiService = changeOperation<DeleteApiServiceRequest>(
  async (_, { tools, signal }) => {
    const kube = await tools.kube()
    const present = await readApiService(kube, signal)
    if (present === undefined || !isOurService(present)) return unchanged(`there is no ${apiServiceName} of Quorate`)
    await kube.remove(apiServicePath, signal)
    return changed({ summary: `deleted ${apiServiceName}` })
  },
  {
    evidence: async (_, { tools, signal }) => {
      const present = await readApiService(await tools.kube(), signal)
      return doneIf(present === undefined || !isOurService(present))
    },
  },
)
