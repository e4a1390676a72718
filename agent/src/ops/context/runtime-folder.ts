import { parseOperationId } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { runtimeFolder } from './paths.js'

/** Where an operation keeps secret or unfinished files, in tmpfs. */
export const runtimeFolderOf = (operationId: string): string => `${runtimeFolder}/${parseOperationId(operationId)}`

/** Gives an operation its own folder in tmpfs and always wipes it at the end. */
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
