import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { OwnPace } from '@quorate/agent/host/own-pace'
import { issue, newKey } from './certificates.js'
import { type Handler, serveControl } from './control.js'
import { EtcdCluster } from './etcd-cluster.js'
import { ExternalEtcdCluster, etcdMachines, externalEtcdOf, startExternalEtcd } from './external-etcd.js'
import { faultsOf } from './faults.js'
import { makeFirstCluster } from './first-cluster.js'
import { leadToFirst } from './first-endpoint.js'
import { httpsUrl } from './host-port.js'
import { VirtualAddresses } from './keepalived.js'
import { credentialsOf, KubeClient } from './kube-client.js'
import { Machine } from './machine.js'
import { writeMachineFiles } from './machine-files.js'
import { SimulatedNetwork } from './network.js'
import { SimulatedNode } from './node.js'
import { programsOf, runProgram } from './programs.js'
import { machineOf, type Site } from './site.js'
import { installStandIns, Spool } from './spool.js'
import { ObjectStore, resourceOf } from './store.js'
import { type Subnet, takeIpv6Subnet, takeSubnet } from './subnet.js'
import { releaseOf } from './versions.js'
import type { SimulatedRole, WorldDescription, WorldOptions } from './world-options.js'

/**
 * The process that is a whole simulated site: API servers, etcd, containerd, kubelets, systemd, kubeadm and the load balancers of
 * all nodes, on loopback addresses, with their files below one temporary folder. Dies with the process that started it.
 */
async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '{}') as WorldOptions
  const subnet = await (options.addresses === 'ipv6' ? takeIpv6Subnet() : takeSubnet(options.subnet))
  const { folder } = options
  let spool: Spool | undefined
  const end = (): never => {
    spool?.close()
    for (const each of [folder, options.programFolder]) rmSync(each, { recursive: true, force: true, maxRetries: 3 })
    process.exit(0)
  }
  // Standard input closes when the parent dies, in any way; then only this process can clean up.
  process.stdin.on('end', end).on('error', end).resume()
  process.on('SIGTERM', end)
  process.on('SIGINT', () => {})
  const site = await makeSite(options, { subnet, folder })
  spool = new Spool(join(folder, 'spool'), (node, program, args) => runProgram(site, node, program, args))
  const description = await start(site, options, { folder, subnet })
  process.stdout.write(`${JSON.stringify(description)}\n`)
}

interface Place {
  readonly folder: string
  readonly subnet: Subnet
}

async function makeSite(options: WorldOptions, { subnet, folder }: Place): Promise<Site> {
  const release = releaseOf(options.kubernetesVersion)
  const nodes = new Map<string, SimulatedNode>()
  const add = (role: SimulatedRole, name: string, octet: number): void => {
    const balances = role !== 'worker' || options.haproxyEverywhere === true
    const other = options.otherHostnames ? { hostname: `vm-${octet}` } : {}
    const second = options.secondNetwork ? { defaultAddress: subnet.addressOf(octet + 100) } : {}
    const root = join(folder, `n${octet}`)
    const facts = { name, role, balances, address: subnet.addressOf(octet), root }
    const both = options.addresses === 'dual-stack' ? { otherFamily: [`fd00:13::${octet}`] } : {}
    nodes.set(name, new SimulatedNode({ ...facts, ...other, ...second, ...both }))
  }
  for (let i = 1; i <= options.controlPlanes; i++) add('control-plane', `k8smaster${i}.example.com`, 29 + i)
  for (let i = 1; i <= options.workers; i++) add('worker', `k8sworker${i}.example.com`, 34 + i)
  for (let i = 1; i <= (options.balancers ?? 0); i++) add('load-balancer', `lb${i}.example.com`, 20 + i)
  const place = (octet: number) => ({ address: subnet.addressOf(octet), root: join(folder, `n${octet}`) })
  const machines = etcdMachines(options.externalEtcd ?? {}, place)
  const network = new SimulatedNetwork(new Map([...nodes, ...machines.map((one) => [one.name, one] as const)]))
  const store = new ObjectStore()
  const keys = await Promise.all(Array.from({ length: 5 }, newKey))
  const [key] = keys
  if (key === undefined) throw new Error('no keys')
  const site: Site = {
    release,
    nodes,
    machines: new Map(),
    network,
    store,
    keys,
    ...(options.externalEtcd === undefined
      ? { etcd: new EtcdCluster(network, store) }
      : {
          etcd: new ExternalEtcdCluster(network, store),
          externalEtcd: externalEtcdOf(options.externalEtcd, machines),
        }),
    etcdMachines: machines,
    virtualAddresses: new VirtualAddresses(network),
    certificateKeys: new Set(),
    kubeletServing: issue({ commonName: 'kubelet', usage: 'server' }, key),
  }
  for (const node of nodes.values()) site.machines.set(node.name, new Machine(site, node))
  return site
}

async function start(site: Site, options: WorldOptions, { folder, subnet }: Place): Promise<WorldDescription> {
  const all = [...site.nodes.values()]
  mkdirSync(join(folder, 'faults'))
  for (const node of all) {
    writeMachineFiles(node, all, site.release)
    installStandIns(join(options.programFolder, node.name), join(folder, 'spool'), node.name, programsOf(node))
  }
  const [first] = all
  if (first === undefined) throw new Error('a cluster needs a control plane')
  if (site.externalEtcd !== undefined)
    await startExternalEtcd(site, { machines: site.etcdMachines, external: site.externalEtcd }, first)
  const joined = all.filter(({ role }) => role === 'worker').slice(0, options.workers - (options.spareWorkers ?? 0))
  makeFirstCluster(site, [first, ...joined], options)
  const init = options.init ?? {}
  const virtualIp = subnet.addressOf(100)
  if (options.dns !== false) site.network.dns.set('apiserver.example.com', virtualIp)
  if (options.controlPlaneEndpoint !== undefined) await leadToFirst(site, options.controlPlaneEndpoint, virtualIp)
  await Promise.all(all.map(({ name }) => machineOf(site, name).boot()))
  setInterval(() => void site.virtualAddresses.settle(), 200)
  const pace = measurePace()
  await untilRunning(site, !['absent', 'disabled'].includes(options.kubeProxy ?? ''))
  const control = join(folder, 'control')
  await serveControl(control, {
    ...faultsOf(site, folder),
    ...looksOf(site, first, init.bindPort),
    /** How long this process, which runs all servers of the site, has stalled since its start; milliseconds. */
    stalls: async () => Math.round(pace.stalledMs),
  } as Readonly<Record<string, Handler>>)
  return {
    folder,
    control,
    virtualIp,
    apiPort: init.bindPort ?? 6443,
    kubernetesVersion: site.release.version,
    nodes: all.map(({ name, address, defaultAddress, role, root }) => ({
      name,
      address,
      agentAddress: defaultAddress,
      role,
      root,
      path: join(options.programFolder, name),
    })),
  }
}

/** Until every node is Ready and every pod of kube-proxy and CoreDNS runs. */
async function untilRunning({ store, nodes, etcd, externalEtcd }: Site, kubeProxy: boolean): Promise<void> {
  const joined = store.list(resourceOf('nodes')).length
  const staticPods = externalEtcd === undefined ? 4 : 3
  for (let waited = 0; ; waited += 50) {
    const ready = store.list(resourceOf('nodes')).filter(({ status }) => status !== undefined)
    const pods = store.list(resourceOf('pods'), 'kube-system').filter(({ status }) => status?.['phase'] === 'Running')
    if (
      ready.length === joined &&
      pods.length >= staticPods + (kubeProxy ? joined : 0) + 2 &&
      etcd.currentLeader() !== undefined
    )
      return
    if (waited > 20_000)
      throw new Error(
        `the simulated cluster did not start: ${ready.length} of ${nodes.size} nodes, ${pods.length} pods`,
      )
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const beatMs = 50

/** On a real cluster each server has a machine of its own; here all share this one. Measures how much of it they got. */
function measurePace(): OwnPace {
  const pace = new OwnPace(beatMs, performance.now())
  setInterval(() => pace.beat(performance.now()), beatMs)
  return pace
}

/** What a test may inspect without using the cluster's own interfaces. */
function looksOf(site: Site, first: SimulatedNode, apiPort = 6443) {
  return {
    dump: async () => site.store.dump(),
    /** What was executed since the start of the site: transient units of each node, changes of etcd's members. */
    executions: async () => ({
      units: Object.fromEntries([...site.machines].map(([name, { units }]) => [name, units.started])),
      etcd: site.etcd.changes,
    }),
    secretsMade: async () => [...site.store.tokenSecrets, ...site.certificateKeys],
    etcdMembers: async () =>
      site.etcd.members.map(({ id, name, clientUrl, learner, running, serving }) => ({
        id: id.toString(16),
        name,
        clientUrl,
        learner,
        running,
        serving,
      })),
    /** Name of the member that leads; null without one. */
    etcdLeader: async () => site.etcd.currentLeader()?.name ?? null,
    containers: async ({ node }: { node: string }) =>
      machineOf(site, node).runtime.containers.map(({ id, name, attempt, running, createdAt }) => ({
        id,
        name,
        attempt,
        running,
        createdAt,
      })),
    stopContainer: async ({ node, id }: { node: string; id: string }) => machineOf(site, node).runtime.stop(id),
    virtualIpHolder: async () => [...site.network.floating.values()][0]?.name ?? null,
    /** As admin, to one control plane's own API server. */
    kube: async ({
      node = first.name,
      method,
      path,
      body,
      contentType,
    }: {
      node?: string
      method: string
      path: string
      body?: unknown
      contentType?: string
    }) => {
      const through = machineOf(site, node).node
      const credentials = credentialsOf(through, through.must('/etc/kubernetes/admin.conf'))
      const client = new KubeClient(
        { node: through, network: site.network, process: 'kubectl' },
        { ...credentials, server: httpsUrl(through.address, apiPort) },
      )
      return client.request(method, path, body, contentType).finally(() => client.close())
    },
  }
}

await main()
