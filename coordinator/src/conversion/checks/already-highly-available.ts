import { formatEndpoint } from '@quorate/shared/names'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'already-highly-available'

/** A second run over what Quorate itself converted plans nothing and is no error; Quorate does not change a cluster with other control planes. */
export const alreadyHighlyAvailable: Check = {
  id,
  title: 'The cluster has one control plane, or only those in the cluster file',
  beside: 'There is nothing to do, or the cluster has control planes that the file does not name.',
  async check(run) {
    return [...(await strangers(run)), ...(await otherEndpoint(run))]
  },
}

async function strangers(run: ConversionRun): Promise<Finding[]> {
  const names = new Set<string>(run.controlPlanes.map((node) => node.name))
  const nodes = (await run.clusterFacts()).nodes.filter((node) => node.controlPlane && !names.has(node.name))
  return nodes.map((node) => ({
    id,
    severity: 'error',
    node: node.name,
    message: 'the cluster has a control plane that the file does not name: it is not a cluster with one control plane',
    evidence: `Node ${node.name} with the label node-role.kubernetes.io/control-plane, addresses ${node.internalIps.join(', ')}`,
    remedy:
      'To see whether it is highly available: `quorate verify`. If the Node belongs to a removed machine: kubectl delete node ' +
      node.name,
  }))
}

/** Several control planes behind another endpoint: this cluster was made highly available by other means. */
async function otherEndpoint(run: ConversionRun): Promise<Finding[]> {
  const joined = run.joining.length - (await toJoin(run)).length
  const endpoint = (await clusterConfiguration(run))?.controlPlaneEndpoint
  if (joined === 0 || endpoint === formatEndpoint(run.endpoint)) return []
  return [
    {
      id,
      severity: 'error',
      message: `${joined + 1} control planes of the file are in the cluster already, behind an endpoint that differs from the one in the file`,
      evidence: `controlPlaneEndpoint: ${endpoint ?? '(none)'}; cluster file: ${formatEndpoint(run.endpoint)}`,
      remedy:
        'Quorate converts a cluster with one control plane. To inspect this one, write its own endpoint in the file and run `quorate verify`.',
    },
  ]
}
