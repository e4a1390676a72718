import { QuorateError } from '@quorate/shared/errors'
import type { ApplyLoadBalancerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { holds, notYet, until } from '@quorate/shared/until'
import { type ChangeContext, type ChangeOperation, changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { checkLoadBalancerRequest } from './load-balancer/check-request.js'
import { placeOn, programsOf, renderFiles } from './load-balancer/render-files.js'
import { bringUp, isUp, unitBefore } from './load-balancer/units.js'
import { requireInstalled, writeFiles } from './load-balancer/write-config.js'
import { readListening } from './network/sockets.js'

/** haproxy binds within milliseconds; a minute is for an overloaded node. */
const listenDeadlineMs = 60_000

/**
 * Writes the configuration and the unit of haproxy and, for a virtual IP, of keepalived, each only after its own program has accepted it, and starts
 * or reloads what changed. haproxy passes its listeners on at a reload: no connection is dropped. Ends when haproxy listens. The operator's
 * own services from the packages are not touched.
 */
const apply: ChangeOperation<ApplyLoadBalancerRequest>['run'] = async (request, context) => {
  checkLoadBalancerRequest(request)
  await requireInstalled(context, programsOf(request))
  await refuseTakenPort(context, request.port)
  const touched = []
  let busy = false
  for (const rendered of await renderFiles(context.tools.host, request, context.signal)) {
    const { place, config } = rendered
    touched.push(...(await writeFiles(context, rendered)))
    const acted = await bringUp(context, place.unit, sha256Hex(config))
    busy ||= acted
    if (place.program === 'haproxy') await untilListening(context, request.port)
  }
  const facts = { port: String(request.port), backends: request.backends.map(({ name }) => name).join(' ') }
  const what = `haproxy listens on port ${request.port} for ${facts.backends}`
  return busy || touched.length > 0 ? changed({ summary: what, touched, facts }) : unchanged(what, facts)
}

const isApplied: ChangeOperation<ApplyLoadBalancerRequest>['evidence'] = async (request, context) => {
  const { host } = context.tools
  for (const { place, config, unitFile } of await renderFiles(host, request, context.signal)) {
    const texts = [[place.configPath, config], ...(unitFile === undefined ? [] : [[unitFile.path, unitFile.text]])]
    for (const [path = '', text] of texts)
      if ((await host.read(path))?.bytes.toString('utf8') !== text) return { done: 'no', differs: path }
    if (!(await isUp(context, place.unit, sha256Hex(config)))) return { done: 'no', stopped: place.unit }
  }
  return { done: 'yes' }
}

export const applyLoadBalancer = changeOperation<ApplyLoadBalancerRequest>(apply, { evidence: isApplied })

/** Two haproxy processes can share one port and its connections (SO_REUSEPORT): only ours may be there already. */
async function refuseTakenPort({ tools, signal }: ChangeContext, port: number): Promise<void> {
  const { unit } = await placeOn(tools.host, 'haproxy')
  const { active } = await unitBefore(tools.host, unit, signal)
  const isOurs = (process: string): boolean => active && process.startsWith('haproxy')
  const taken = (await readListening(tools.host, signal)).find(
    (one) => one.port === port && one.process !== '' && !isOurs(one.process),
  )
  if (taken === undefined) return
  throw new QuorateError('PORT_IN_USE', `${taken.process} already listens on ${taken.address} port ${port}`)
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
