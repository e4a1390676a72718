import type { ListImagesRequest, ListImagesResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

export const listImages = readOperation<ListImagesRequest, ListImagesResponse>(async (_request, tools, signal) => {
  const cri = tools.cri()
  try {
    return { images: await cri.images(signal) }
  } finally {
    cri.close()
  }
})
