import { QuorateError } from '@quorate/shared/errors'
import type { ListSocketsRequest, ListSocketsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { installCommand } from '@quorate/shared/package-manager'
import { commands } from '../host/commands.js'
import { readOperation } from './context/operation.js'
import { readOperatingSystem } from './facts/machine.js'
import { parseEstablished } from './network/sockets.js'

/** The kernel keeps 15 characters of a name: kube-controller-manager is kube-controller. */
const components = ['kubelet', 'kube-proxy', 'kube-controller', 'kube-scheduler']

/** Established connections of kubelet, kube-proxy, controller-manager and scheduler: their real targets, whatever their files say. */
export const listSockets = readOperation<ListSocketsRequest, ListSocketsResponse>(async (_request, tools, signal) => {
  const { exitCode, stdout, stderr } = await tools.host.run(commands.establishedSockets(), signal)
  if (exitCode !== 0) {
    const system = await readOperatingSystem(tools.host)
    throw new QuorateError('COMMAND_FAILED', `ss ended with ${exitCode}: ${stderr.trim()}`, {
      remedy: `On that node: \`${installCommand(system, ['iproute2'])}\`, then check that the agent may read other processes.`,
    })
  }
  const sockets = parseEstablished(stdout)
  return { sockets: sockets.filter(({ process }) => components.some((name) => process.startsWith(name))) }
})
