import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import type { RunEvent } from '@quorate/coordinator/engine/events'
import { foldRun } from '@quorate/coordinator/engine/fold'
import { takePicture, withPictures } from '@quorate/coordinator/runs/take-picture'
import { QuorateError } from '@quorate/shared/errors'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { member, nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'

const socket = (process: string, peerAddress: string, peerPort: number) => ({ process, peerAddress, peerPort })
const sockets: Record<string, ReturnType<typeof socket>[] | undefined> = {
  [nodeNames.cp1]: [
    socket('kubelet', '::ffff:192.168.13.30', 6443),
    socket('kubelet', '192.168.13.30', 6443),
    socket('kubelet', '192.168.13.31', 50123),
    socket('kube-controller', '192.168.13.30', 6443),
    socket('haproxy', '192.168.13.30', 6443),
  ],
  [nodeNames.cp2]: [],
  [nodeNames.worker]: [socket('kube-proxy', '192.168.13.100', 8443), socket('kubelet', '192.168.13.30', 6443)],
}

/** The sound world, whose third control plane does not say where it is connected. */
function seenRun(): ConversionRun {
  const world = soundWorld()
  const first = world.facts[nodeNames.cp1]
  const server = `  server ${nodeNames.cp1} 192.168.13.30:6443 check\n`
  if (first !== undefined) first.loadBalancerConfigs = { '/etc/quorate-haproxy/haproxy.cfg': `backend x\n${server}` }
  const run = fakeRun(world)
  const agent = (node: { name: string } | string) => {
    const name = typeof node === 'string' ? node : node.name
    const read = async (method: string, request: never) => {
      if (method === 'listEtcdMembers') return { ...world.etcd, members: [member(run.first)] }
      if (method !== 'listSockets') return run.agent(name as never).read(method as never, request)
      if (sockets[name] === undefined) throw new QuorateError('AGENT_UNREACHABLE', 'no answer', { where: name })
      return { sockets: sockets[name] }
    }
    return { node: name, read } as unknown as ReturnType<ConversionRun['agent']>
  }
  return { ...run, agent }
}

t.test('a picture has every way to an API server once, and nothing else', async (t) => {
  const picture = await takePicture(seenRun())
  t.same(picture.connections, [
    { node: nodeNames.cp1, component: 'controller-manager', to: nodeNames.cp1 },
    { node: nodeNames.cp1, component: 'kubelet', to: nodeNames.cp1 },
    { node: nodeNames.worker, component: 'kube-proxy', to: 'endpoint' },
    { node: nodeNames.worker, component: 'kubelet', to: nodeNames.cp1 },
  ])
  t.same(picture.silent, [nodeNames.cp3])
  t.same(picture.backends, [nodeNames.cp1])
  t.match(picture.members, [{ name: nodeNames.cp1, learner: false, version: '3.6.5' }])
  t.match(
    picture.certificates.find(({ path }) => path.endsWith('apiserver.crt')),
    { node: nodeNames.cp1, ca: false },
  )
})

const begin: RunEvent = {
  kind: 'run-started',
  cluster: 'prod',
  planHash: '',
  fencingToken: 1,
  version: '1',
  clusterFile: '',
  ignored: {},
  findings: [],
  steps: [],
}
const end: RunEvent = { kind: 'run-ended', outcome: 'done' }

async function emitted(run: ConversionRun): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  const emit = withPictures({ run, emit: async (event) => void events.push(event) })
  for (const event of [begin, end]) await emit(event)
  return events
}

t.test('a run has one before its first change and one before its end, and its state keeps both', async (t) => {
  const events = await emitted(seenRun())
  t.same(
    events.map(({ kind }) => kind),
    ['run-started', 'cluster-seen', 'cluster-seen', 'run-ended'],
  )
  const { seen } = foldRun(events.map((event, index) => ({ seq: index + 1, at: 0, run: 'r', event })))
  t.same(seen.before, seen.after)
  t.same(seen.after, await takePicture(seenRun()))
})

t.test('a picture that cannot be taken or written does not fail the run', async (t) => {
  const refusing = () => {
    throw new QuorateError('AGENT_UNREACHABLE', 'no answer')
  }
  const blind = { ...seenRun(), agent: refusing, nodeFacts: async () => refusing() }
  t.same(
    (await emitted(blind)).map(({ kind }) => kind),
    ['run-started', 'run-ended'],
  )
  const written: string[] = []
  const emit = withPictures({
    run: seenRun(),
    emit: async ({ kind }) => {
      if (kind === 'cluster-seen') throw new Error('disk full')
      written.push(kind)
    },
  })
  for (const event of [begin, end]) await emit(event)
  t.same(written, ['run-started', 'run-ended'])
})
