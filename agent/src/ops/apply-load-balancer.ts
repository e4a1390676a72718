import { QuorateError } from '@quorate/shared/errors'
import type { ApplyLoadBalancerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import { holds, notYet, until } from '@quorate/shared/until'
import type { LoadBalancerUnit } from '../host/commands.js'
import { checkLoadBalancerRequest } from './load-balancer/check-request.js'
import { bringUp, isUp } from './load-balancer/units.js'
import { configPaths, refuseForeign, requireInstalled, writeConfig } from './load-balancer/write-config.js'
import { holderOf, readInterfaces } from './network/interfaces.js'
import { readListening } from './network/sockets.js'
import { type ChangeContext, type ChangeOperation, changeOperation } from './operation.js'
import { changed, unchanged } from './result.js'

/** haproxy binds within milliseconds; a minute is for a node that is starved. */
const listenDeadlineMs = 60_000

/**
 * Writes haproxy.cfg and, for a virtual IP, keepalived.conf, each only after its own program accepted it, and starts or reloads
 * what changed. haproxy hands its listeners over on a reload: no connection is dropped. Ends when haproxy listens.
 */
const apply: ChangeOperation<ApplyLoadBalancerRequest>['run'] = async (request, context) => {
  checkLoadBalancerRequest(request)
  const units = unitsOf(request)
  await requireInstalled(context, units)
  for (const unit of units) await refuseForeign(context, unit)
  await refuseTakenPort(context, request.port)
  const texts = await render(context, request)
  const touched = []
  let busy = false
  for (const unit of units) {
    const written = await writeConfig(context, unit, texts[unit])
    touched.push(...written.touched)
    const acted = await bringUp(context, unit, sha256Hex(texts[unit]))
    busy ||= acted
    if (unit === 'haproxy') await untilListening(context, request.port)
  }
  const facts = { port: String(request.port), backends: request.backends.map(({ name }) => name).join(' ') }
  const what = `haproxy listens on port ${request.port} for ${facts.backends}`
  return busy || touched.length > 0 ? changed({ summary: what, touched, facts }) : unchanged(what, facts)
}

const isApplied: ChangeOperation<ApplyLoadBalancerRequest>['evidence'] = async (request, context) => {
  const { host } = context.tools
  const texts = await render(context, request)
  for (const unit of unitsOf(request)) {
    if ((await host.read(configPaths[unit]))?.bytes.toString('utf8') !== texts[unit])
      return { done: 'no', differs: unit }
    if (!(await isUp(context, unit, sha256Hex(texts[unit])))) return { done: 'no', stopped: unit }
  }
  return { done: 'yes' }
}

const unitsOf = ({ virtualIp }: ApplyLoadBalancerRequest): LoadBalancerUnit[] =>
  virtualIp === '' ? ['haproxy'] : ['haproxy', 'keepalived']

export const applyLoadBalancer = changeOperation<ApplyLoadBalancerRequest>(apply, { evidence: isApplied })

async function refuseTakenPort({ tools, signal }: ChangeContext, port: number): Promise<void> {
  const taken = (await readListening(tools.host, signal)).find(
    (one) => one.port === port && one.process !== '' && !one.process.startsWith('haproxy'),
  )
  if (taken === undefined) return
  throw new QuorateError('PORT_IN_USE', `${taken.process} already listens on ${taken.address} port ${port}`)
}

async function render(
  { tools, signal }: Pick<ChangeContext, 'tools' | 'signal'>,
  request: ApplyLoadBalancerRequest,
): Promise<Record<LoadBalancerUnit, string>> {
  const { port, bindAddress, backends, virtualIp, virtualRouterId, priority, ownAddress, acceptRefusal } = request
  const haproxy = renderHaproxy({ port, bindAddress, backends, acceptRefusal })
  if (virtualIp === '') return { haproxy, keepalived: '' }
  const holder = holderOf(await readInterfaces(tools.host, signal), ownAddress)
  if (holder === undefined) {
    throw new QuorateError('INVALID_REQUEST', `no network interface of this node holds ${ownAddress}`, {
      remedy: "Correct this node's address in the cluster file.",
    })
  }
  const peers = request.peers.filter((peer) => peer !== ownAddress)
  const { name: interfaceName, prefixLength } = holder
  const vrrp = { virtualIp, interfaceName, prefixLength, virtualRouterId, priority, ownAddress, peers, port }
  return { haproxy, keepalived: renderKeepalived(vrrp) }
}

async function untilListening({ tools, signal, progress }: ChangeContext, port: number): Promise<void> {
  const look = async () => {
    const listening = (await readListening(tools.host, signal)).some((one) => one.port === port)
    return listening ? holds(port) : notYet(`nothing listens on port ${port}`)
  }
  await until(`haproxy to listen on port ${port}`, look, {
    deadlineMs: listenDeadlineMs,
    everyMs: 100,
    signal,
    onWaiting: progress,
  })
}
