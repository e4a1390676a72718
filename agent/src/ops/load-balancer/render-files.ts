import { QuorateError } from '@quorate/shared/errors'
import type { ApplyLoadBalancerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isQuorateConfig, renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import {
  type LoadBalancerPlace,
  type LoadBalancerProgram,
  packagePlaces,
  placeOf,
} from '@quorate/shared/load-balancer-place'
import { renderLoadBalancerUnit } from '@quorate/shared/load-balancer-unit'
import type { Host } from '../../host/host.js'
import { programOf } from '../facts/machine.js'
import { holderOf, readInterfaces } from '../network/interfaces.js'

/** The settings of a load balancer, for a start or only a test. */
export type LoadBalancerWish = Omit<ApplyLoadBalancerRequest, 'header'>

/** One program of the load balancer with its files. */
export interface RenderedProgram {
  readonly place: LoadBalancerPlace
  readonly config: string
  /** Its unit file, if that is Quorate's too. */
  readonly unitFile?: { readonly path: string; readonly text: string }
}

export const programsOf = ({ virtualIp }: Pick<LoadBalancerWish, 'virtualIp'>): LoadBalancerProgram[] =>
  virtualIp === '' ? ['haproxy'] : ['haproxy', 'keepalived']

/** Where this node's programs run: in the package's folder if an earlier release used it, otherwise in Quorate's own. */
export async function placeOn(host: Host, program: LoadBalancerProgram): Promise<LoadBalancerPlace> {
  const path = packagePlaces[program].configPath
  const file = await host.read(path, { followLinks: true }).catch(() => undefined)
  const isOurs = file !== undefined && isQuorateConfig(file.bytes.toString('utf8'))
  return placeOf(program, isOurs ? { [path]: file } : {})
}

/** The files of each requested program, for the releases on this node; haproxy comes first. */
export async function renderFiles(
  host: Host,
  wish: LoadBalancerWish,
  signal: AbortSignal,
): Promise<readonly RenderedProgram[]> {
  return Promise.all(
    programsOf(wish).map(async (program) => {
      const [place, installed] = await Promise.all([placeOn(host, program), programOf(host, program, signal)])
      const config =
        program === 'haproxy'
          ? renderHaproxy({ ...wish, version: installed?.version ?? '' })
          : await keepalivedConfig(host, wish, signal)
      if (place.unitPath === undefined) return { place, config }
      const text = renderLoadBalancerUnit(place, installed?.path ?? '')
      return { place, config, unitFile: { path: place.unitPath, text } }
    }),
  )
}

async function keepalivedConfig(host: Host, wish: LoadBalancerWish, signal: AbortSignal): Promise<string> {
  const holder = holderOf(await readInterfaces(host, signal), wish.ownAddress)
  if (holder === undefined) {
    throw new QuorateError('INVALID_REQUEST', `no network interface of this node holds ${wish.ownAddress}`, {
      remedy: "Correct this node's address in the cluster file.",
    })
  }
  const peers = wish.peers.filter((peer) => peer !== wish.ownAddress)
  return renderKeepalived({ ...wish, peers, interfaceName: holder.name, prefixLength: holder.prefixLength })
}
