import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { existingNodes } from '../facts/membership.js'
import { runningContainers } from '../facts/read-facts.js'
import type { Check } from './check.js'

const id = 'static-pods-run'

/** The API shows a static pod by its mirror, which says Running when the container is gone or has been replaced (kubeadm#2718, kubernetes#123177). */
export const staticPodsRun: Check = {
  id,
  title: 'Each static pod has exactly one running container, according to the container runtime',
  async check(run) {
    const existing = await existingNodes(run)
    const controlPlanes = run.controlPlanes.filter((node) => existing.includes(node))
    return (await Promise.all(controlPlanes.map((node) => ofNode(run, node)))).flat()
  },
}

async function ofNode(run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const { staticPods, containerRuntime } = await run.nodeFacts(node)
  // A runtime that is silent is the finding of `container-runtime`.
  if (containerRuntime === '') return []
  const found = await Promise.all(staticPods.map(({ component }) => ofComponent(run, node, component)))
  return found.flat()
}

async function ofComponent(run: ConversionRun, node: NodeEntry, component: string): Promise<Finding[]> {
  const running = await runningContainers(run, node, component)
  if (running.length === 1) return []
  const none = running.length === 0
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: none
        ? `no container of ${component} runs, although its manifest exists`
        : `${running.length} containers of ${component} run: the kubelet runs a manifest that no longer exists`,
      evidence: `${component}: ${running.map((one) => one.id.slice(0, 13)).join(', ') || 'none running'}`,
      remedy: `On that node: crictl ps -a --name ${component}; ${none ? `crictl logs of the newest` : 'crictl stop the older'}; if that shows no problem: systemctl restart kubelet`,
    },
  ]
}
