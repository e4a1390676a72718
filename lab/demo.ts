/** `npm run demo`: every command line is the real program in its own process, every agent a real agent; see `npm run demo -- --help`. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCode } from '@quorate/shared/errors'
import { Command, InvalidArgumentError } from 'commander'
import { preload, SimulatedCluster } from './simulated/cluster.js'
import { isBusy, machineShare } from './simulated/machine-share.js'
import { answers, Probing } from './simulated/probing.js'
import { releaseOf } from './simulated/versions.js'

function knownVersion(text: string): string {
  if (!/^v\d+\.\d+\.\d+$/.test(text)) throw new InvalidArgumentError('Use a version such as v1.37.2.')
  try {
    return releaseOf(text).version
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

const { keep, kubernetesVersion } = new Command('npm run demo --')
  .description(
    'Converts a simulated kubeadm cluster of 1 control plane and 5 workers to 3 control planes, while clients ask its API,\n' +
      'then cuts the power of the first control plane. Needs no root; 2 to 3 minutes. Leaves nothing behind.',
  )
  .option('--keep', 'do not cut the power; keep the cluster running until Ctrl-C, to try quorate on it')
  .option('--kubernetes-version <version>', 'version of the cluster', knownVersion, 'v1.37.2')
  .showHelpAfterError('See `npm run demo -- --help`.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCode.done : exitCode.usage))
  .parse()
  .opts<{ readonly keep?: boolean; readonly kubernetesVersion: string }>()

/** The output was closed: a pipe into `head`. Without a reader the demo ends at what it would say next. */
let unread = false
for (const stream of [process.stdout, process.stderr])
  stream.on('error', () => {
    unread = true
  })

const coloured = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
const bold = (text: string): string => (coloured ? `\u001b[1m${text}\u001b[0m` : text)
const dim = (text: string): string => (coloured ? `\u001b[2m${text}\u001b[0m` : text)
function say(text: string): void {
  if (unread) throw new DemoFailure(exitCode.interrupted, 'the output was closed')
  process.stdout.write(`${text}\n`)
}
const heading = (text: string): void => say(`\n${bold(`== ${text}`)}`)
const command = (line: string): void => say(`\n${bold(`$ ${line}`)}`)

/** Runs `quorate ARGS` in the operator's folder with its output on this terminal; returns the exit code. */
function quorate(cluster: SimulatedCluster, args: readonly string[]): Promise<number> {
  command(`quorate ${args.join(' ')}`)
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [`--import=${preload}`, cluster.bundles.quorate, ...args, '--state', 'state'],
      {
        cwd: cluster.operatorFolder,
        stdio: ['pipe', 'inherit', 'inherit'],
        env: { ...process.env, ...(coloured ? { FORCE_COLOR: '1' } : {}) },
      },
    )
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? exitCode.defect))
  })
}

async function must(cluster: SimulatedCluster, args: readonly string[]): Promise<void> {
  const code = await quorate(cluster, args)
  if (code !== 0) throw new DemoFailure(code, `quorate ${args[0]} ended with ${code}`)
}

class DemoFailure extends Error {
  readonly exitCode: number
  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

async function showSite(cluster: SimulatedCluster): Promise<void> {
  say(`Kubernetes ${cluster.world.kubernetesVersion}, made by \`kubeadm init\` without controlPlaneEndpoint:`)
  for (const [index, { name, address, role }] of cluster.nodes.entries()) {
    const is =
      role === 'worker'
        ? 'worker, its kubelet uses the first control plane'
        : index === 0
          ? 'the only control plane: API server and etcd'
          : 'empty machine, will join as a control plane'
    say(`  ${name.padEnd(24)} ${address.padEnd(16)} ${is}`)
  }
  say(
    dim(
      'API servers, etcd, containerd, kubelets, kubeadm and systemd are simulated; TLS, certificates, files, gRPC and the agents are real.',
    ),
  )
}

async function enrol(cluster: SimulatedCluster): Promise<void> {
  heading('Create a fleet and enroll every node')
  await must(cluster, ['init'])
  const [first, ...others] = cluster.nodes
  if (first === undefined) return
  await must(cluster, ['enroll', first.name, '--address', first.address, '--bundle', `bundles/${first.name}`])
  cluster.carryBundle(first)
  for (const node of others) {
    command(`quorate enroll ${node.name} --address ${node.address} --bundle bundles/${node.name}`)
    await cluster.enrol(node)
  }
  heading('On every node: copy the bundle to /etc/quorate and start the agent')
  command('quorate-agent serve')
  await Promise.all(cluster.nodes.map((node) => cluster.startAgent(node)))
  say(`${cluster.nodes.length} agents listen on port 7445, each on the address of its node, with mutual TLS 1.3.`)
}

/** A slow machine is not a fault of the cluster: expect no more than the machine can do. */
function budgetFor(share: number): readonly string[] {
  if (!isBusy(share)) return []
  say(
    `This machine is busy: a program gets ${Math.round(share * 100)} % of a processor, and one process simulates all servers. Clients therefore wait longer before they give up, and a run stops after 60 s without the API in one step instead of 5 s.`,
  )
  return ['  availabilityBudgetSeconds: 60']
}

async function convert(cluster: SimulatedCluster): Promise<void> {
  const share = machineShare()
  const policy = budgetFor(share)
  cluster.writeClusterFile(policy.length === 0 ? {} : { policy })
  const stalledBefore = await cluster.control.ask<number>('stalls')
  command('cat cluster.yaml')
  say(readFileSync(cluster.clusterFile, 'utf8').trimEnd())
  await must(cluster, ['nodes'])
  heading('Plan the conversion (changes nothing)')
  await must(cluster, ['plan', '-f', 'cluster.yaml'])
  heading(
    'Convert, while two clients ask the API 20 times a second: at the first control plane, and through the endpoint',
  )
  const probing = new Probing()
  probing.at('at the first control plane', cluster.node('cp1').address, 6443)
  const endpoint = probing.whenUp('through the endpoint', cluster.world.virtualIp, 8443)
  const code = await quorate(cluster, ['convert', '-f', 'cluster.yaml', '--yes'])
  const results = await probing.stop()
  await endpoint
  if (code !== 0) throw new DemoFailure(code, `quorate convert ended with ${code}`)
  heading('What these clients saw')
  for (const { name, count, failed, longestGapMs } of results)
    say(`  ${name}: ${count} requests, ${bold(`${failed} failed`)}, longest gap ${longestGapMs} ms`)
  const stalledMs = (await cluster.control.ask<number>('stalls')) - stalledBefore
  if (stalledMs > 1_000)
    say(`  This machine stood still for ${(stalledMs / 1_000).toFixed(1)} s in total: such gaps are not the cluster's.`)
  heading('Verify that the cluster is highly available')
  await must(cluster, ['verify', '-f', 'cluster.yaml'])
  const [run] = readdirSync(join(cluster.stateFolder, 'runs')).filter((name) => name.endsWith('.jsonl'))
  if (run !== undefined) await must(cluster, ['status', run.replace('.jsonl', '')])
}

async function pullThePlug(cluster: SimulatedCluster): Promise<void> {
  heading('The test that matters: the first control plane loses power')
  await cluster.kill('cp1')
  const began = Date.now()
  while (!(await answers(cluster.world.virtualIp, 8443))) await new Promise((resolve) => setTimeout(resolve, 50))
  const holder = await cluster.control.ask<string>('virtualIpHolder')
  say(
    `The API answers through apiserver.example.com:8443 again after ${((Date.now() - began) / 1000).toFixed(1)} s; ${holder} holds the address now.`,
  )
}

async function main(): Promise<number> {
  const began = Date.now()
  heading('A cluster with one control plane')
  const cluster = await SimulatedCluster.start({ kubernetesVersion, workers: 5, subnet: '127.13.0' })
  let stopping = false
  const stopped = new Promise<void>((resolve) =>
    process.once('SIGINT', () => {
      stopping = true
      resolve()
    }),
  )
  try {
    await showSite(cluster)
    await enrol(cluster)
    await convert(cluster)
    if (keep !== true) await pullThePlug(cluster)
    say(`\n${bold('Done')} in ${Math.round((Date.now() - began) / 1000)} s. To convert your own cluster: README.md.`)
    if (keep === true && !stopping) {
      say(
        `It keeps running until Ctrl-C. Operator's folder: ${cluster.operatorFolder}; the nodes' files: ${cluster.world.folder}.`,
      )
      say(`  node ${cluster.bundles.quorate} nodes --state ${cluster.stateFolder}`)
      await stopped
    }
    return 0
  } catch (error) {
    const code = error instanceof DemoFailure ? error.exitCode : exitCode.defect
    if (stopping || code === exitCode.interrupted) return exitCode.interrupted
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
    return code
  } finally {
    await cluster.stop()
  }
}

process.exit(await main())
