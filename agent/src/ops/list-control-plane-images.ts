import type {
  ListControlPlaneImagesRequest,
  ListControlPlaneImagesResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import { controlPlaneImages } from './cluster/control-plane-images.js'
import { readOperation } from './context/operation.js'

/** The images that kubeadm's preflight of a control plane would pull here, and which of them the container runtime has. */
export const listControlPlaneImages = readOperation<ListControlPlaneImagesRequest, ListControlPlaneImagesResponse>(
  async (request, tools, signal) => {
    const wanted = await controlPlaneImages(tools.host, request, signal)
    const cri = tools.cri()
    try {
      const present = new Set(await cri.images(signal))
      return { wanted: [...wanted], missing: wanted.filter((image) => !present.has(image)) }
    } finally {
      cri.close()
    }
  },
)
