import { parseOperationId } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { runtimeFolder } from '../paths.js'

/** Where an operation keeps what is secret or half done, in tmpfs. */
export const runtimeFolderOf = (operationId: string): string => `${runtimeFolder}/${parseOperationId(operationId)}`

/** Gives an operation a folder of its own in tmpfs and wipes it at the end, whatever the end is. */
export async function withRuntimeFolder<T>(
  host: Host,
  operationId: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = runtimeFolderOf(operationId)
  try {
    return await use(folder)
  } finally {
    await host.remove(folder, { recursive: true })
  }
}
