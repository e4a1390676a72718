import { asQuorateError } from '@quorate/shared/errors'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import { staysConnectedTo } from '../clients/connected.js'
import { elected } from '../clients/elected.js'
import { untilKubeletReached } from '../clients/kubelets-reached.js'
import { againstPolicy, rewrite, type Steered } from '../clients/rewrite-kubeconfigs.js'
import type { EtcdTopology } from '../context/etcd-topology.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { kubeconfigsOf, nodeOf } from '../endpoint/servers.js'
import { learnsFirst } from '../etcd/learner-mode.js'
import { isJoined, newMembers } from '../facts/membership.js'
import { registrationDiff } from '../facts/node-registration.js'
import { balanceServing, untilNodeReady, untilServing, whileJoining } from '../joining/control-plane-ready.js'
import { joinSpec } from '../joining/join-spec.js'
import { alikeWithFirst, versionsAsPlanned } from '../joining/joiner-gates.js'
import { recoverJoin } from '../joining/recover-join.js'
import { endpointProofs } from '../proofs/endpoint-proofs.js'
import { mtuProof } from '../proofs/mtu.js'
import { type End, endUnled, handOver, orSay } from '../undo/hand-over.js'
import { leftCluster } from '../undo/undone-gates.js'

const steered: readonly Steered[] = ['kubelet', 'controller-manager', 'scheduler']

export const joinControlPlanes = defineStep({
  id: 'join-control-planes',
  title: 'Join the other control planes',
  documented: 'Join',
  gate: 'Its etcd member votes and reports itself healthy; /readyz answers locally and through the load balancer; the Node is Ready and has its label; the load balancer has its backend and reaches it; flags, images, files and kubelet configuration match the first control plane.',
  undo: 'It hands over leadership (etcd, Leases) and leaves the load balancer; its pods are evicted; it leaves the endpoints of the Service kubernetes; its API server is shut down; its etcd member is removed if quorum allows; the node is reset and its Node deleted. Not possible when one of two voters is dead: use the runbook.',
  width: async (run) => (await run.etcdTopology()).joinsAtOnce(),
  outage: 'the second etcd member counts as a voter before it starts; until it starts, etcd has no quorum',
  seconds: 25,
  reliesOn: [...endpointProofs, mtuProof],
  foreseen: [
    {
      asks: 'a healthy voter',
      checks: ['etcd-health', 'etcd-addresses', 'etcd-learner-mode', 'etcd-learner-fixes', 'etcd-size'],
    },
    { asks: 'an API server that is ready', checks: ['shared-extra-args', 'control-planes-alike', 'shared-files'] },
    { asks: 'a Node that is Ready', checks: ['nodes-ready', 'container-runtime', 'cgroup-driver', 'admission'] },
    { asks: 'a kubelet that every API server reaches', checks: ['kubelets-reached', 'kubelet-serving-certificates'] },
    { asks: 'a Node that its cloud provider knows', checks: ['cloud-provider'] },
    { asks: 'the load balancer to reach its backend', checks: ['load-balancer', 'hairpin'] },
  ],
  // A join includes serving behind the load balancer. The kubelet needs up to ten seconds more until its Node is Ready, and `finish` does not need that.
  settleBefore: 'prove-ha',
  async plan(run) {
    const etcd = await run.etcdTopology()
    const voters = (await run.etcd()).members.filter(({ learner }) => !learner).length
    const planned = await Promise.all(
      run.joining.map(async (node) =>
        (await isDone(run, node))
          ? []
          : [{ ...action(node, { etcd, voters }), diffs: await registrationDiff(run, node) }],
      ),
    )
    const [first, ...rest] = planned.flat()
    if (first === undefined) return []
    return [{ ...first, ...(await outageOfSecondVoter(run, voters)) }, ...rest]
  },
  async apply(run, { node: name }, call) {
    const node = nodeOf(run, name)
    const hadJoined = await isJoined(run, node)
    if (!hadJoined) {
      // Minutes may have passed since they were prepared: the first join may have been slow.
      await versionsAsPlanned(run, node, call.signal)
      // kubeadm's exit code says little about etcd: the member list shows the outcome of the join.
      await whileJoining(run, node, async () =>
        (await run.etcdTopology()).inTurn(node, { call, join: () => join(run, node, call) }),
      )
    }
    await Promise.all([
      followPolicy(run, node, { call, hadJoined }),
      untilServing(run, node, call.signal).then(() => balanceServing(run, call)),
    ])
  },
  async verify(run, { node: name }, signal) {
    const node = nodeOf(run, name)
    const [serving, ready, met, reached] = await Promise.all([
      untilServing(run, node, signal),
      untilNodeReady(run, node, signal),
      run.loadBalancer.proveBackends([node], signal),
      untilKubeletReached(run, node, signal),
    ])
    return [...serving, ready, ...met, ...reached, await alikeWithFirst(run, node, signal)]
  },
  async rollback(run, { action: { node: name } }, call) {
    const node = nodeOf(run, name)
    const etcd = await run.etcdTopology()
    const { impossible } = await etcd.forecastLeaving([node])
    if (impossible.length === 0) await handOver(run, node, { call, onlyJoined: true })
    await balanceServing(run, call, node)
    if (impossible.length === 0)
      await run
        .agent(node)
        .change('drainNode', {}, call, 'drain')
        .then(({ summary }) => call.progress(summary), orSay(call, 'its pods were not evicted'))
    await etcd.leave(node, { call, retire: () => retire(run, node, call) })
    if (await reset(run, node, call))
      await run.agent(run.first).change('deleteNode', { name: node.name }, call, 'delete-node')
  },
  undone: (run, done, signal) => leftCluster(run, nodeOf(run, done.action.node), signal),
})

async function join(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<void> {
  await run
    .agent(node)
    .change('joinControlPlane', { join: await joinSpec(run, node) }, call, 'join')
    .catch((error: unknown) => recoverJoin(run, node, { call, why: asQuorateError(error, node.name) }))
}

function action(node: NodeEntry, { etcd, voters }: { etcd: EtcdTopology; voters: number }): Action {
  // From three to five, a new voter that dies leaves a majority: it is removed like any other.
  const noWayBack = voters >= 3 ? undefined : etcd.noWayBack(node)
  return {
    id: node.name,
    node: node.name,
    does: 'join as a control plane; add it to the load balancer when it serves',
    diffs: [],
    ...(noWayBack === undefined ? {} : { noWayBack }),
  }
}

/** Two voters need both: no quorum from the moment when the second is added until it has started. Nine seconds on real 1.28.15. */
const secondVoterSeconds = 30

async function outageOfSecondVoter(run: ConversionRun, voters: number): Promise<Pick<Action, 'outageSeconds'>> {
  const isAdded = (await newMembers(run)).length > 0 && voters === 1
  return isAdded && !(await learnsFirst(run)) ? { outageSeconds: secondVoterSeconds } : {}
}

async function isDone(run: ConversionRun, node: NodeEntry): Promise<boolean> {
  if (!(await isJoined(run, node))) return false
  // Joined by another run: the undo of this run must not remove it. Other steps rewrite its kubeconfigs.
  if (run.mayBeBehind(node.name)) return true
  const against = await Promise.all(steered.map((component) => againstPolicy(run, node, component)))
  return against.every((rewriting) => rewriting === undefined)
}

/** kubeadm's choice differs by release: a component that does not use the server of the policy is rewritten and restarted. */
async function followPolicy(
  run: ConversionRun,
  node: NodeEntry,
  { call, hadJoined }: { readonly call: ChangeCall; readonly hadJoined: boolean },
): Promise<void> {
  const view = await asItIsNow(run, node)
  for (const component of steered) {
    const rewriting = await againstPolicy(view, node, component)
    // An earlier attempt may have died after it wrote the file and before the restart.
    if (rewriting === undefined && !(hadJoined && (await usesAnotherServer(view, node, component)))) continue
    if (rewriting !== undefined) await rewrite(run, node, { ...rewriting, call })
    if (component === 'kubelet') await run.agent(node).change('restartKubelet', {}, call, 'restart-kubelet')
    else
      await run
        .agent(node)
        .change('restartStaticPod', { component: elected[component].container }, call, `restart-${component}`)
  }
}

/** Whether a running component does not use the server that its file names. */
async function usesAnotherServer(run: ConversionRun, node: NodeEntry, component: Steered): Promise<boolean> {
  const [file] = kubeconfigsOf(await run.nodeFacts(node), [component])
  if (file === undefined) return false
  const process = component === 'kubelet' ? component : elected[component].process
  const { signal } = new AbortController()
  return !(await staysConnectedTo(run, node, { process, server: file.server, signal })).holds
}

/** The run with fresh facts of one node: the remembered ones are from before it joined. */
async function asItIsNow(run: ConversionRun, node: NodeEntry): Promise<ConversionRun> {
  const { facts } = await run.agent(node).read('getNodeFacts', {})
  if (facts === undefined) return run
  const nodeFacts: ConversionRun['nodeFacts'] = async (asked) =>
    (typeof asked === 'string' ? asked : asked.name) === node.name ? facts : run.nodeFacts(asked)
  // The prototype is the run itself, so that missing nodes are read at each look.
  return Object.create(run, { nodeFacts: { value: nodeFacts } })
}

/** Moves clients off its API server. The reset breaks their connections anyway, so a node that cannot do this is reset all the same. */
async function retire(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<void> {
  const end: End = (unlessBack, label) => run.agent(node).change('retireApiServer', { ...unlessBack }, call, label)
  await endUnled(run, node, { call, onlyJoined: true, end }).catch(
    orSay(call, 'its API server was not shut down gracefully'),
  )
}

/** False where the join was refused before it began: then this run made nothing on that node, and no Node of its name, that it may remove. */
async function reset(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<boolean> {
  try {
    await run.agent(node).change('resetNode', {}, call, 'reset')
    return true
  } catch (error) {
    if (asQuorateError(error).code !== 'NOT_JOINED_BY_THIS_RUN') throw error
    call.progress(`${node.name} was not joined by this run: left unchanged`)
    return false
  }
}
