import { parseOperationId } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'
import { runtimeFolder } from '../paths.js'

/** Gives an operation a folder of its own in tmpfs and wipes it at the end, whatever the end is. */
export async function withRuntimeFolder<T>(
  host: Host,
  operationId: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = `${runtimeFolder}/${parseOperationId(operationId)}`
  try {
    return await use(folder)
  } finally {
    await host.remove(folder, { recursive: true })
  }
}
