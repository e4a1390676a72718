import { QuorateError } from '@quorate/shared/errors'
import type { ApplyApiServiceRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { backupPlace, keepObject } from './backup/store.js'
import {
  apiServiceName,
  apiServiceObject,
  apiServicePath,
  apiServiceText,
  isAsWanted,
  isOurService,
  makeApiService,
  readApiService,
} from './cluster/api-service.js'
import { changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

/** Makes the Service that leads to the API servers, or makes ours as it is wanted; one of somebody else is a drift. */
export const applyApiService = changeOperation<ApplyApiServiceRequest>(
  async (request, context) => {
    const { tools, signal } = context
    const kube = await tools.kube()
    const present = await readApiService(kube, signal)
    if (present !== undefined && !isOurService(present)) {
      throw new QuorateError('DRIFT', `${apiServiceName} exists and is not Quorate's`, {
        remedy: 'Look at it: kubectl -n kube-system get service quorate-apiserver -o yaml; delete or rename it.',
      })
    }
    if (present !== undefined && isAsWanted(present, request)) return unchanged(`${apiServiceName} is as wanted`)
    await keepObject(backupPlace(context), apiServiceName, present === undefined ? undefined : apiServiceText(present))
    // A type and its ports cannot be patched into each other without leftovers.
    if (present !== undefined) await kube.remove(apiServicePath, signal)
    await makeApiService(kube, apiServiceObject(request), signal)
    const kind = request.address === '' ? 'NodePort' : `LoadBalancer ${request.address}`
    return changed({ summary: `${apiServiceName}: ${kind}, port ${request.port} to port ${request.targetPort}` })
  },
  {
    evidence: async (request, { tools, signal }) => {
      const present = await readApiService(await tools.kube(), signal)
      return doneIf(present !== undefined && isOurService(present) && isAsWanted(present, request))
    },
  },
)
