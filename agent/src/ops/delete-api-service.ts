import type { DeleteApiServiceRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type BackupPlace, backupPlace, readBackupIndex, readKept } from './backup/store.js'
import {
  apiServiceName,
  apiServicePath,
  apiServiceText,
  isOurService,
  makeApiService,
  readApiService,
} from './cluster/api-service.js'
import type { Service } from './cluster/kube-objects.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** Deletes the Service that ApplyApiService made, or restores it as this run found it; another owner's Service is left alone. */
export const deleteApiService = changeOperation<DeleteApiServiceRequest>(
  async (_, context) => {
    const { tools, signal } = context
    const kube = await tools.kube()
    const [present, before] = await Promise.all([readApiService(kube, signal), textBefore(backupPlace(context))])
    if (present === undefined || !isOurService(present)) return unchanged(`there is no ${apiServiceName} of Quorate`)
    if (apiServiceText(present) === before) return unchanged(`${apiServiceName} is as before this run`)
    await kube.remove(apiServicePath, signal)
    if (before === undefined) return changed({ summary: `deleted ${apiServiceName}` })
    await makeApiService(kube, JSON.parse(before) as Service, signal)
    return changed({ summary: `restored ${apiServiceName} as it was before this run` })
  },
  {
    evidence: async (_, { tools, header, signal }) => {
      const [present, before] = await Promise.all([
        readApiService(await tools.kube(), signal),
        textBefore({ ...tools, runId: header.runId }),
      ])
      if (before !== undefined) return doneIf(present !== undefined && apiServiceText(present) === before)
      return doneIf(present === undefined || !isOurService(present))
    },
  },
)

/** Undefined if this run found none, or made none. */
async function textBefore(place: BackupPlace): Promise<string | undefined> {
  const entry = (await readBackupIndex(place)).entries.find(({ name }) => name === apiServiceName)
  return entry?.kind === 'object' ? (await readKept(place, entry)).toString('utf8') : undefined
}
