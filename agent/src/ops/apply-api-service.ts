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
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** Makes the Service for the API servers, or updates Quorate's own; another owner's Service is a drift. */
export const applyApiService = changeOperation<ApplyApiServiceRequest>(
  async (request, context) => {
    const { tools, signal } = context
    const kube = await tools.kube()
    const present = await readApiService(kube, signal)
    if (present !== undefined && !isOurService(present)) {
      throw new QuorateError('DRIFT', `${apiServiceName} exists and is not Quorate's`, {
        remedy:
          'Inspect it with `kubectl -n kube-system get service quorate-apiserver -o yaml`, then delete or rename it.',
      })
    }
    if (present !== undefined && isAsWanted(present, request)) return unchanged(`${apiServiceName} needs no change`)
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
