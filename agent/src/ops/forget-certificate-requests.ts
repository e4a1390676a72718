import type { ForgetCertificateRequestsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { plural } from '@quorate/shared/plural'
import { changeOperation, doneIf } from './context/operation.js'
import { requestsFolder } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { requestPlace } from './signed-elsewhere/requests.js'

/** Removes this run's keys, requests and certificates from the agent's folder: everything in use has been installed. */
export const forgetCertificateRequests = changeOperation<ForgetCertificateRequestsRequest>(
  async (_, context) => {
    const { host, folder } = requestPlace(context)
    const kept = await host.list(folder)
    if (kept.length === 0) return unchanged('this node holds no requests of this run')
    await host.remove(folder, { recursive: true })
    await host.removeEmptyFolder(requestsFolder(context.tools.stateFolder))
    return changed({ summary: `removed ${plural(kept.length, 'file')} kept for certificates signed elsewhere` })
  },
  {
    evidence: async (_, context) => {
      const { host, folder } = requestPlace(context)
      return doneIf((await host.list(folder)).length === 0)
    },
  },
)
