import type { ListSocketsRequest, ListSocketsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'
import { readEstablished } from './network/sockets.js'

/** The kernel keeps 15 characters of a name: kube-controller-manager is kube-controller. */
const components = ['kubelet', 'kube-proxy', 'kube-controller', 'kube-scheduler']

/** Established connections of kubelet, kube-proxy, controller-manager and scheduler: their real targets, whatever their files say. */
export const listSockets = readOperation<ListSocketsRequest, ListSocketsResponse>(
  async (_request, { host }, signal) => {
    const sockets = await readEstablished(host, signal)
    return { sockets: sockets.filter(({ process }) => components.some((name) => process.startsWith(name))) }
  },
)
