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

/** etcd tolerates about a second between members; certificates and tokens that are not valid yet are refused. */
const largestOffsetMs = 2_000

/** Connects to the joiner's ports, held open by its agent, from the other control planes, and to theirs from the joiner: kubeadm does not check this. */
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
      saw: `${inward} connections, each shown the certificate of its agent`,
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
        throw new QuorateError('PORT_IN_USE', `port ${inUse.join(', ')} is in use, and a control plane needs it`, {
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

/** The other direction: to the running control planes. Two joiners verify each other's ports by the listeners that their agents hold. */
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
  /** Of the listener that must answer; empty: any listener, a TCP connection is enough. */
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
  const isOther = certificateSha256 !== '' && answer.certificateSha256 !== certificateSha256
  if (answer.error === '' && !isOther) return
  const why =
    answer.error === ''
      ? `another listener answers there (certificate ${answer.certificateSha256})`
      : pathProblem(answer)
  throw new QuorateError('STEP_FAILED', `${from.name} does not reach ${node.name} on port ${port}: ${why}`, {
    where: from.name,
    remedy: `Open TCP ${port} from ${from.address} to ${node.address} in the firewalls of both nodes and between them.`,
  })
}

/** Compares each clock with the local one when its answer arrives: the difference of both offsets is that between the nodes. */
export async function clocksAgree(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const offset = async (one: NodeEntry) => (await readNodeFacts(run, one, signal)).clockUnixMs - Date.now()
  const [own, first] = await Promise.all([offset(node), offset(run.first)])
  const apart = Math.abs(own - first)
  if (apart > largestOffsetMs) {
    throw new QuorateError('STEP_FAILED', `its clock differs from that of ${run.first.name} by ${apart} ms`, {
      where: node.name,
      remedy: 'Synchronize both nodes with the same time servers: timedatectl set-ntp true.',
    })
  }
  return { what: `clock of ${node.name} against ${run.first.name}`, saw: `at most ${Math.round(apart)} ms apart` }
}

/**
 * The versions are still those of the plan: a package manager (unattended-upgrades) may have installed another kubeadm or kubelet on a control
 * plane since, and kubeadm would write, or the kubelet refuse, settings that the others do not have.
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
    // A program that did not answer in time proves nothing: kubeadm's preflight follows.
  ].find(({ version, wanted }) => version !== '' && version !== wanted)
  if (one !== undefined) {
    const { name, program, version, wanted } = one
    throw new QuorateError('DRIFT', `${program} on ${name} is ${version}; the plan has ${wanted}`, {
      where: name,
      remedy: `It was upgraded after the plan. On that node: apt-mark hold kubeadm kubelet kubectl (or dnf versionlock add kubeadm kubelet kubectl), install version ${wanted.replace(/^v/, '')} again, then run: quorate resume ${run.id}`,
    })
  }
  return { what: `kubeadm and kubelet of ${node.name} and ${run.first.name}`, saw: `${planned}, as planned` }
}

/** Shorter than before the run: another joiner's images and the gate itself wait for it. */
const diskLimitMs = 200

/** Measures the disk that etcd is about to use again: it may have filled up or been throttled since the plan. */
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

/** Compares a joiner with the first control plane: kubeadm wrote its manifests on another machine, with that machine's environment. */
export async function alikeWithFirst(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const [own, first] = await Promise.all([readNodeFacts(run, node, signal), readNodeFacts(run, run.first, signal)])
  const found = differencesOf(run, { node, facts: own }, { node: run.first, facts: first })
  const [worst, ...rest] = found.filter(({ severity }) => severity === 'error')
  const what = `${node.name} against ${run.first.name}`
  if (worst === undefined) return { what, saw: 'flags, images, files and kubelet configuration have equal values' }
  const agreed = run.file.policy.ignoreFindings[controlPlanesAlikeId]
  if (agreed !== undefined)
    return {
      what,
      saw: `${rest.length + 1} difference${rest.length === 0 ? '' : 's'}, accepted in the cluster file: ${agreed}`,
    }
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more; quorate verify lists all)`
  throw new QuorateError('STEP_FAILED', `${worst.message}${more}`, { where: node.name, remedy: worst.remedy })
}
