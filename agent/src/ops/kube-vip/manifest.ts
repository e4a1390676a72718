import { QuorateError } from '@quorate/shared/errors'
import type { ApplyKubeVipRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { kubeVipManifestPath, renderKubeVip } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import type { Host } from '../../host/host.js'
import { readLocalApiServer } from '../../host/local-api-server.js'
import type { LookContext } from '../context/operation.js'
import { holderOf, readInterfaces } from '../network/interfaces.js'

/** The manifest for this node: its own API server, its own interface. */
export async function manifestFor(
  { tools: { host }, signal }: Pick<LookContext, 'tools' | 'signal'>,
  { virtualIp, ownAddress, image, bgp }: ApplyKubeVipRequest,
): Promise<string> {
  const [apiServer, interfaces] = await Promise.all([readLocalApiServer(host), readInterfaces(host, signal)])
  const holder = holderOf(interfaces, ownAddress)
  if (holder === undefined) {
    throw new QuorateError('INVALID_REQUEST', `no network interface of this node holds ${ownAddress}`, {
      remedy: "Correct this node's address in the cluster file.",
    })
  }
  return renderKubeVip({
    virtualIp,
    image,
    apiServer,
    interfaceName: holder.name,
    ...(bgp === undefined ? {} : { bgp }),
  })
}

/** Text of the existing manifest, if it is Quorate's; DRIFT for another kube-vip: the two would conflict over one Lease. */
export async function ownManifest(host: Host): Promise<string | undefined> {
  const text = (await host.read(kubeVipManifestPath))?.bytes.toString('utf8')
  if (text === undefined || isQuorateConfig(text)) return text
  throw new QuorateError('DRIFT', `${kubeVipManifestPath} is not Quorate's: another kube-vip runs here`, {
    where: kubeVipManifestPath,
    remedy: 'Remove it if nothing needs it, or use loadBalancer.kind: external with the address that it holds.',
  })
}
