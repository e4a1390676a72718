import type { ForgetCertificateRequestsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { changeOperation, doneIf } from './operation.js'
import { requestsFolder } from './paths.js'
import { changed, unchanged } from './result.js'
import { requestPlace } from './signed-elsewhere/requests.js'

/** Removes the keys, requests and certificates that were kept for this run: all that was to be used is where it belongs. */
export const forgetCertificateRequests = changeOperation<ForgetCertificateRequestsRequest>(
  async (_, context) => {
    const { host, folder } = requestPlace(context)
    const kept = await host.list(folder)
    if (kept.length === 0) return unchanged('no requests of this run are kept here')
    await host.remove(folder, { recursive: true })
    await host.removeEmptyFolder(requestsFolder(context.tools.stateFolder))
    return changed({ summary: `removed ${kept.length} files that were kept for certificates signed elsewhere` })
  },
  {
    evidence: async (_, context) => {
      const { host, folder } = requestPlace(context)
      return doneIf((await host.list(folder)).length === 0)
    },
  },
)
