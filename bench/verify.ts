/**
 * `npm run bench -- verify`: the duration of `quorate verify` by number of nodes. Paper agents (test/support/paper-cluster/) behind
 * real gRPC with mTLS on loopback, all in this process: what grows with the nodes is then the coordinator's and the network's share, without 50
 * machines. Each answer is delayed as long as a node takes for its facts; a delay of 0 shows the cost alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { ClusterFile, NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { openSession } from '@quorate/coordinator/open-session'
import { verifyCluster } from '@quorate/coordinator/runs/verify'
import { enrolBundle } from '@quorate/coordinator/state/enroll-bundle'
import { initState } from '@quorate/coordinator/state/init'
import { statePaths } from '@quorate/coordinator/state/paths'
import { PaperCluster, paperCall } from '../test/support/paper-cluster/cluster.js'
import { clusterFile } from '../test/support/paper-cluster/state.js'
import { bundleIdentity, serveAgent } from '../test/unit/coordinator/support/agent-server.js'
import { median } from './median.js'

const rounds = 5
const order: readonly ConversionStep[] = conversionOrder
const reads = [
  ...['getNodeFacts', 'getClusterFacts', 'listEtcdMembers', 'listContainers', 'listSockets'],
  ...['resolveName', 'probeEndpoint', 'probeKubeconfig'],
] as const

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The cluster of the fixtures with this number of nodes. */
function fileOf(nodes: number): ClusterFile {
  const workers = Array.from({ length: nodes - 3 }, (_, index) => {
    const name = `k8sworker${index + 1}.example.com` as NodeEntry['name']
    return { name, address: `192.168.14.${index + 1}`, agent: '' }
  })
  return { ...clusterFile, workers }
}

async function converted(file: ClusterFile): Promise<PaperCluster> {
  const paper = new PaperCluster('v1.37.2', file)
  const run = paper.run()
  for (const step of order) {
    run.refresh()
    for (const action of await step.plan(run)) await step.apply(run, action, paperCall())
  }
  return paper
}

type Unary = (call: { request: never }, answer: (error: Error | null, value?: unknown) => void) => void

/** Every read of a node, answered from paper after `answerMs`. */
function handlersOf(paper: PaperCluster, node: NodeEntry, answerMs: number): Record<string, Unary> {
  const agent = paper.agent(node)
  const handler =
    (method: (typeof reads)[number]): Unary =>
    ({ request }, answer) =>
      void wait(answerMs)
        .then(() => agent.read(method, request))
        .then(
          (value) => answer(null, value),
          (error: Error) => answer(error),
        )
  return Object.fromEntries(reads.map((method) => [method, handler(method)]))
}

async function measure(nodes: number, answerMs: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
  const state = join(folder, 'state')
  await initState(state)
  const wanted = fileOf(nodes)
  const paper = await converted(wanted)
  const servers: { forceShutdown(): void }[] = []
  const served = async (node: NodeEntry): Promise<NodeEntry> => {
    const bundle = join(folder, node.name)
    await enrolBundle(statePaths(state), { node: node.name, address: '127.0.0.1', bundle })
    const { server, port } = await serveAgent(handlersOf(paper, node, answerMs), bundleIdentity(bundle))
    servers.push(server)
    return { ...node, agent: `127.0.0.1:${port}` }
  }
  const all = async (entries: readonly NodeEntry[]): Promise<readonly NodeEntry[]> => {
    const done: NodeEntry[] = []
    for (const entry of entries) done.push(await served(entry))
    return done
  }
  const file = { ...wanted, controlPlanes: await all(wanted.controlPlanes), workers: await all(wanted.workers) }
  const session = await openSession(state)
  const [seconds, cpu]: [number[], number[]] = [[], []]
  try {
    for (let round = 0; round < rounds; round++) {
      const [started, before] = [performance.now(), process.cpuUsage()]
      const { highlyAvailable, proofs } = await verifyCluster(session, file, new AbortController().signal)
      if (!highlyAvailable) throw new Error(JSON.stringify(proofs.flatMap(({ findings }) => findings)))
      const { user, system } = process.cpuUsage(before)
      seconds.push((performance.now() - started) / 1000)
      cpu.push((user + system) / 1e6)
    }
  } finally {
    for (const server of servers) server.forceShutdown()
    rmSync(folder, { recursive: true, force: true })
  }
  return `| ${nodes} | ${answerMs} | ${median(seconds).toFixed(2)} | ${Math.max(...seconds).toFixed(2)} | ${median(cpu).toFixed(2)} |`
}

const rows: string[] = []
for (const nodes of [5, 20, 50, 100]) for (const answerMs of [0, 300]) rows.push(await measure(nodes, answerMs))
const head = '| nodes | each answer after, ms | verify, median s | most s | CPU of coordinator and agents, s |'
console.log([head, '|---|---|---|---|---|', ...rows].join('\n'))
