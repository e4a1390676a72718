import { QuorateError } from '@quorate/shared/errors'
import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import { controlPlanesAlikeId, differencesOf } from '../alike/nodes.js'
import type { ConversionRun } from '../context/run.js'
import { pathProblem } from '../endpoint/probe.js'
import { diskLatency } from '../etcd/disk-latency.js'
import { isJoined } from '../facts/membership.js'
import { readClusterFacts, readNodeFacts } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

/** etcd takes offsets of about a second between members badly; certificates and tokens that are not valid yet are refused. */
const largestOffsetMs = 2_000

/** The ports of a joiner from the other control planes, held by its own agent, and theirs from the joiner: what kubeadm does not check. */
export async function portsReachable(
  run: ConversionRun,
  node: NodeEntry,
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  const { ports: etcdPorts, outside } = await run.etcdTopology()
  const ports = [apiServerPort(await run.nodeFacts(run.first)), ...etcdPorts, 10250]
  const others = run.controlPlanes.filter((one) => one !== node)
  const [inward, outward] = await Promise.all([
    heldPorts(run, node, { ports, others, signal }),
    livePorts(run, node, { ports, others, signal }),
    ...outside.map(({ host, port, what }) =>
      connect(run, node, { node: { name: what, address: host }, port, certificateSha256: '', signal }),
    ),
  ])
  const list = ports.join(', ')
  return [
    {
      what: `${node.name} on ${list} from ${others.map(({ name }) => name).join(', ')}`,
      saw: `${inward} connections, each to its own certificate`,
    },
    { what: `${list} from ${node.name}`, saw: `${outward} connections` },
    ...outside.map(({ what }) => ({ what: `${what} from ${node.name}`, saw: 'connected' })),
  ]
}

interface Ports {
  readonly ports: readonly number[]
  readonly others: readonly NodeEntry[]
  readonly signal: AbortSignal
}

function heldPorts(run: ConversionRun, node: NodeEntry, { ports, others, signal }: Ports): Promise<number> {
  return run.agent(node).holdPorts(
    ports,
    async ({ inUse, certificateSha256 }) => {
      if (inUse.length > 0)
        throw new QuorateError('PORT_IN_USE', `port ${inUse.join(', ')} is in use: a control plane needs it`, {
          where: node.name,
        })
      const asks = others.flatMap((from) =>
        ports.map((port) => connect(run, from, { node, port, certificateSha256, signal })),
      )
      return (await Promise.all(asks)).length
    },
    { deadlineMs: 60_000, signal, runId: run.id },
  )
}

/** The other way: to the control planes that run. Two joiners prove theirs to each other by what each of them holds. */
async function livePorts(run: ConversionRun, node: NodeEntry, { ports, others, signal }: Ports): Promise<number> {
  const joined = await Promise.all(others.map((one) => one === run.first || isJoined(run, one)))
  const running = others.filter((_, index) => joined[index])
  const asks = running.flatMap((target) =>
    ports.map((port) => connect(run, node, { node: target, port, certificateSha256: '', signal })),
  )
  return (await Promise.all(asks)).length
}

interface Connection {
  readonly node: { readonly name: string; readonly address: string }
  readonly port: number
  /** Of the listener that must answer; empty: whatever runs there, TCP is enough. */
  readonly certificateSha256: string
  readonly signal: AbortSignal
}

async function connect(
  run: ConversionRun,
  from: NodeEntry,
  { node, port, certificateSha256, signal }: Connection,
): Promise<void> {
  const verify = certificateSha256 === '' ? VerifyMode.VERIFY_MODE_TCP : VerifyMode.VERIFY_MODE_NONE
  const request = { host: node.address, port, path: '', serverName: '', verify, timeoutMs: 3_000, caPem: '' }
  const answer = await run.agent(from).read('probeEndpoint', request, { signal })
  const stranger = certificateSha256 !== '' && answer.certificateSha256 !== certificateSha256
  if (answer.error === '' && !stranger) return
  const why =
    answer.error === '' ? `something else answers there (certificate ${answer.certificateSha256})` : pathProblem(answer)
  throw new QuorateError('STEP_FAILED', `${from.name} does not reach ${node.name} on port ${port}: ${why}`, {
    where: from.name,
    remedy: `Open TCP ${port} from ${from.address} to ${node.address} in the firewalls of both nodes and between them.`,
  })
}

/** Each clock against ours at the moment of its answer: the difference of the two offsets is that between the nodes. */
export async function clocksAgree(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const offset = async (one: NodeEntry) => (await readNodeFacts(run, one, signal)).clockUnixMs - Date.now()
  const [own, first] = await Promise.all([offset(node), offset(run.first)])
  const apart = Math.abs(own - first)
  if (apart > largestOffsetMs) {
    throw new QuorateError('STEP_FAILED', `its clock is ${apart} ms apart from that of ${run.first.name}`, {
      where: node.name,
      remedy: 'Let both nodes follow the same time servers: timedatectl set-ntp true.',
    })
  }
  return { what: `clock of ${node.name} against ${run.first.name}`, saw: `at most ${Math.round(apart)} ms apart` }
}

/**
 * What joins is what was planned: a package manager may have installed another kubeadm or kubelet on any control plane since
 * (unattended-upgrades), and kubeadm would render, or the kubelet refuse, what the others do not have.
 */
export async function versionsAsPlanned(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const planned = (await run.clusterFacts()).kubernetesVersion
  const accepted = run.file.policy.ignoreFindings['kubernetes-versions'] !== undefined
  const ofPlan = accepted ? await run.nodeFacts(node) : { kubeadmVersion: planned, kubeletVersion: planned }
  const [{ kubernetesVersion }, facts, first] = await Promise.all([
    readClusterFacts(run, signal),
    readNodeFacts(run, node, signal),
    readNodeFacts(run, run.first, signal),
  ])
  const before = await run.nodeFacts(run.first)
  const one = [
    { name: node.name, program: 'kubeadm', version: facts.kubeadmVersion, wanted: ofPlan.kubeadmVersion },
    { name: node.name, program: 'kubelet', version: facts.kubeletVersion, wanted: ofPlan.kubeletVersion },
    { name: run.first.name, program: 'kube-apiserver', version: kubernetesVersion, wanted: planned },
    { name: run.first.name, program: 'kubeadm', version: first.kubeadmVersion, wanted: before.kubeadmVersion },
    { name: run.first.name, program: 'kubelet', version: first.kubeletVersion, wanted: before.kubeletVersion },
    // A program that did not answer in time says nothing: kubeadm itself is asked next.
  ].find(({ version, wanted }) => version !== '' && version !== wanted)
  if (one !== undefined) {
    const { name, program, version, wanted } = one
    throw new QuorateError('DRIFT', `${program} on ${name} is ${version} now and was ${wanted} in the plan`, {
      where: name,
      remedy: `Something upgraded it in the meantime. On that node: apt-mark hold kubeadm kubelet kubectl (or dnf versionlock add kubeadm kubelet kubectl), install version ${wanted.replace(/^v/, '')} again, then: quorate resume ${run.id}`,
    })
  }
  return { what: `kubeadm and kubelet of ${node.name} and ${run.first.name}`, saw: `${planned}, as planned` }
}

/** Asked for shorter than before the run: another joiner's images and the gate itself wait for it. */
const diskLimitMs = 200

/** The disk that etcd is about to write to, once more: what was quick in the plan may have been filled or throttled since. */
export async function diskKeepsUp(
  run: ConversionRun,
  node: NodeEntry,
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  if (!(await run.etcdTopology()).homes().includes(node)) return []
  const { evidence, slow } = await diskLatency(run, node, { limitMs: diskLimitMs, signal })
  if (slow?.severity !== 'error') return [evidence]
  const { message, remedy } = slow
  throw new QuorateError('STEP_FAILED', `${message} (${evidence.saw})`, { where: node.name, remedy })
}

/** What a joiner became, against the first control plane: kubeadm wrote its manifests on another machine, with that machine's own environment. */
export async function alikeWithFirst(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const [own, first] = await Promise.all([readNodeFacts(run, node, signal), readNodeFacts(run, run.first, signal)])
  const found = differencesOf(run, { node, facts: own }, { node: run.first, facts: first })
  const [worst, ...rest] = found.filter(({ severity }) => severity === 'error')
  const what = `${node.name} against ${run.first.name}`
  if (worst === undefined) return { what, saw: 'flags, images, files and kubelet configuration equal by value' }
  const agreed = run.file.policy.ignoreFindings[controlPlanesAlikeId]
  if (agreed !== undefined)
    return { what, saw: `${rest.length + 1} differences, which the cluster file agrees with: ${agreed}` }
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more; quorate verify names all)`
  throw new QuorateError('STEP_FAILED', `${worst.message}${more}`, { where: node.name, remedy: worst.remedy })
}
