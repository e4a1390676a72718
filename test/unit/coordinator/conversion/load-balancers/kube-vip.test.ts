import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import { kubeVip } from '@quorate/coordinator/conversion/load-balancers/kube-vip'
import type { ChangeCall } from '@quorate/coordinator/fleet/agent'
import { LeaseFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipConfPath, kubeVipManifestPath, renderKubeVip } from '@quorate/shared/kube-vip-manifest'
import t from 'tap'
import { fakeRun } from '../../../../support/paper-cluster/reads.js'
import {
  certificate,
  container,
  joinSecond,
  nodeNames,
  now,
  soundWorld,
  type World,
} from '../../../../support/paper-cluster/world.js'

const { cp1, cp2, cp3 } = nodeNames
const image = 'example.com/kube-vip:v1'
const signal = new AbortController().signal

function world(): World {
  const made = soundWorld()
  made.file.endpoint = { ...made.file.endpoint, port: 6443 }
  made.file.loadBalancer = { ...made.file.loadBalancer, kind: 'kube-vip', image }
  made.images = { [cp1]: [image], [cp2]: [image], [cp3]: [image] }
  return made
}

const lease = (holder: string): LeaseFacts =>
  LeaseFacts.fromPartial({ namespace: 'kube-system', name: 'plndr-cp-lock', holder, renewedUnixMs: now })
const facts = (of: World, node: string) => of.facts[node] as World['facts'][string]
const manifest = renderKubeVip({
  ...{ virtualIp: '192.168.13.100', image, apiServer: { address: '192.168.13.30', port: 6443 } },
  interfaceName: 'eth0',
})

t.test('a sound cluster: nothing to complain of', async (t) => {
  t.same(await kubeVip(fakeRun(world())).check(), [])
})

t.test('what it needs and has not', async (t) => {
  const found = async (breaks: (of: World) => void) => {
    const broken = world()
    breaks(broken)
    return (await kubeVip(fakeRun(broken)).check()).map(({ severity, node, message, remedy }) =>
      [severity, node, message, remedy].join(' '),
    )
  }
  const otherPort = await found((of) => {
    of.file.endpoint = { ...of.file.endpoint, port: 8443 }
  })
  t.match(otherPort, [/error .*must have the same port.*endpoint: apiserver\.example\.com:6443/])
  t.match(await found((of) => of.cluster.leases.push(lease('somebody'))), [
    /error .*another kube-vip already holds the Lease.*external/,
  ])
  t.match(await found((of) => Object.assign(of, { images: { [cp1]: [image] } })), [
    /info k8smaster2.*ctr -n k8s\.io/,
    /info k8smaster3/,
  ])
  t.match(await found((of) => Object.assign(facts(of, cp2), { interfaces: [] })), [/error k8smaster2.* no interface/])
  t.match(await found((of) => Object.assign(facts(of, cp1), { caKeyPresent: false })), [
    /error k8smaster1.* cannot be signed/,
  ])
  const ours = await found((of) => {
    of.cluster.leases.push(lease(cp1))
    facts(of, cp1).loadBalancerConfigs[kubeVipManifestPath] = manifest
  })
  t.same(ours, [], 'our own Lease is no stranger')
})

t.test('the plan: the first control plane, and who has joined; nothing where it runs as it must', async (t) => {
  const fresh = world()
  const actions = await kubeVip(fakeRun(fresh)).plan()
  t.same(
    actions.map(({ node }) => node),
    [cp1],
    'a joiner gets it after its join',
  )
  t.match(actions[0]?.diffs[0]?.text, /\+ {10}value: 192\.168\.13\.30:6443/)
  t.match(actions[0]?.does, /192\.168\.13\.100, announced by ARP/)
  facts(fresh, cp1).loadBalancerConfigs[kubeVipManifestPath] = manifest
  facts(fresh, cp1).certificates.push(certificate(kubeVipConfPath, 3650))
  fresh.cluster.leases.push(lease(cp1))
  fresh.containers = (node, name) => [{ ...container(node, name, 'a'), state: 'running' }]
  t.same(await kubeVip(fakeRun(fresh)).plan(), [])
  fresh.cluster.leases.splice(-1, 1, { ...lease(cp1), renewedUnixMs: now - 120_000 })
  t.same((await kubeVip(fakeRun(fresh)).plan()).length, 1, 'a Lease that nobody renews')
  fresh.cluster.leases.splice(-1, 1, lease(cp1))
  facts(fresh, cp1).certificates.splice(-1, 1, certificate(kubeVipConfPath, 20))
  t.same((await kubeVip(fakeRun(fresh)).plan()).length, 1, 'a certificate that ends within a month')
  facts(fresh, cp1).certificates.splice(-1, 1, certificate(kubeVipConfPath, 3650))
  fresh.containers = (node, name) => [{ ...container(node, name, 'a'), state: 'exited' }]
  t.same(
    (await kubeVip(fakeRun(fresh)).plan()).map(({ node }) => node),
    [cp1],
    'its file alone is not enough',
  )
  t.same(
    (await kubeVip(fakeRun(joinSecond(world()))).plan()).map(({ node }) => node),
    [cp1, cp2],
  )
})

/** The run with agents that note what they are asked to change; `refusing` refuses. */
function noting(of: World, refusing = ''): { run: ConversionRun; asked: string[] } {
  const asked: string[] = []
  const sound = fakeRun(of)
  const agent: ConversionRun['agent'] = (node) => {
    const name = typeof node === 'string' ? node : node.name
    const change = async (method: string, request: { virtualIp?: string; bgp?: { routerId: string } }) => {
      asked.push([method, name, request.bgp?.routerId].filter((part) => part !== undefined).join(' '))
      if (name === refusing) throw new Error('gone')
      return { facts: {}, touched: [], sealed: [], summary: '', unchanged: false }
    }
    return { ...sound.agent(node), change } as ReturnType<ConversionRun['agent']>
  }
  return { run: { ...sound, agent }, asked }
}

t.test('backends are given it, who leaves loses it, even where that one does not answer', async (t) => {
  const told: string[] = []
  const call = { signal, progress: (line: string) => void told.push(line) } as unknown as ChangeCall
  const of = world()
  of.file.loadBalancer = {
    ...of.file.loadBalancer,
    bgp: { as: 65000, peers: [{ address: '192.168.13.1', as: 65001 }] },
  }
  const { run, asked } = noting(of, cp3)
  const [first, second, third] = run.controlPlanes
  if (first === undefined || second === undefined || third === undefined) throw new Error('three control planes')
  await kubeVip(run).setBackends({ backends: [first, second], beside: [], joining: [third] }, call)
  t.same(asked.splice(0), [`applyKubeVip ${cp1} 192.168.13.30`, `applyKubeVip ${cp2} 192.168.13.31`])
  await kubeVip(run).setBackends({ backends: [first], beside: [second, third], joining: [], leaving: third }, call)
  t.same(asked, [`applyKubeVip ${cp1} 192.168.13.30`, `removeKubeVip ${cp3}`])
  t.match(told, [/k8smaster3.*gone/])
})

t.test('proved: the holder is met at the address, each other could take it over', async (t) => {
  const of = world()
  of.cluster.leases.push(lease(cp1))
  of.containers = (node, name) => [{ ...container(node, name, 'a'), state: 'running' }]
  of.probe = (_, { host }) =>
    host === '192.168.13.100' ? { reached: 'done', certificateSha256: `throw-away-${cp1}` } : undefined
  const run = fakeRun(of)
  const evidence = await kubeVip(run).proveBackends(run.joining.slice(0, 1), signal)
  t.match(evidence, [
    { what: /k8smaster1.* reached at 192\.168\.13\.100:6443/ },
    { what: /k8smaster2.* can take 192\.168\.13\.100 over/ },
  ])
})
