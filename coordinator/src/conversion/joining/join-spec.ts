import { QuorateError } from '@quorate/shared/errors'
import type { JoinSpec, SealingRecipient } from '@quorate/shared/gen/quorate/v1/node_agent'
import { formatEndpoint } from '@quorate/shared/names'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { clusterCa } from '../endpoint/servers.js'
import { etcdTimeoutSeconds } from '../etcd/database-size.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { registrationOf } from '../facts/node-registration.js'
import { patchedBy } from '../facts/patches.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { discoversByFile } from './discovery.js'
import { nodeIpOf } from './node-ip.js'

/** How one control plane joins. The pin is that of the CA on the first control plane's disk, never of the one that an endpoint shows. */
export async function joinSpec(run: ConversionRun, node: NodeEntry): Promise<JoinSpec> {
  const [first, joiner, etcd] = await Promise.all([run.nodeFacts(run.first), run.nodeFacts(node), run.etcd()])
  const pin = first.certificates.find((one) => one.path === pkiPath(first, 'ca.crt'))?.publicKeyPin ?? ''
  if (pin === '')
    throw new QuorateError('CERTIFICATE_INVALID', 'the first control plane reports no pin of the cluster CA', {
      where: run.first.name,
    })
  return {
    endpoint: formatEndpoint(run.endpoint),
    nodeName: node.name,
    advertiseAddress: node.address,
    bindPort: apiServerPort(first),
    caPin: pin.startsWith('sha256:') ? pin : `sha256:${pin}`,
    // The version in kubeadm-config is that of the first control plane's kubeadm, not of the one that reads our document.
    kubeadmApiVersion: joiner.kubeadmConfigApi,
    ignorePreflightErrors: [...run.file.policy.ignorePreflightErrors],
    etcdTimeoutSeconds: etcdTimeoutSeconds(etcd),
    discoveryCaPem: discoversByFile(await run.clusterFacts()) ? await clusterCa(run) : '',
    withPatches: patchedBy(first).size > 0,
    nodeIp: await nodeIpOf(run, node),
    ...(await registrationOf(run, node)),
  }
}

/** Public keys of the nodes that may decrypt a secret, each with that node's own proof. */
export function recipientsOf(run: ConversionRun, nodes: readonly NodeEntry[]): Promise<SealingRecipient[]> {
  return Promise.all(
    nodes.map(async (node) => ({ node: node.name, ...(await run.agent(node).read('getSealingKey', {})) })),
  )
}
