import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { toJoin } from '../facts/membership.js'
import { readClusterFacts } from '../facts/read-facts.js'
import { joinSpec, recipientsOf } from '../joining/join-spec.js'
import { clocksAgree, diskKeepsUp, portsReachable, versionsAsPlanned } from '../joining/joiner-gates.js'
import { putBack } from '../undo/put-back.js'

export const prepareJoining = defineStep({
  id: 'prepare-joining',
  title: 'Prepare every joining control plane before the first one joins',
  documented: 'Prerequisite',
  gate: "On each: kubeadm's preflight passes; images and shared files are there; the ports of API server, kubelet and stacked etcd are open both ways, or the endpoints of external etcd are reachable; clocks agree; versions are those of the plan; etcd's disk is fast enough.",
  undo: 'Copied files and remaining join tokens are removed.',
  width: (run) => Math.max(1, run.joining.length),
  seconds: 15,
  foreseen: [
    {
      asks: "kubeadm's preflight",
      checks: [
        'joiners-clean',
        'ports',
        'resources',
        'swap',
        'cgroups',
        'crictl',
        'container-runtime',
        'kernel-network',
      ],
    },
    { asks: 'images and files', checks: ['control-plane-images', 'shared-files'] },
    { asks: 'ports both ways', checks: ['reachability', 'firewall'] },
    { asks: 'clocks and disks', checks: ['clocks', 'disk-latency'] },
  ],
  onResume: 'renewed',
  async plan(run) {
    return (await toJoin(run)).map(({ name }) => ({
      id: name,
      node: name,
      does: "copy the shared files, pull the images, run kubeadm's preflight, verify the ports both ways",
      diffs: [],
    }))
  },
  async apply(run, action, call) {
    const node = nodeOf(run, action.node)
    await versionsAsPlanned(run, node, call.signal)
    await copySharedFiles(run, node, call)
    await Promise.all([pullImages(run, node, call), counted(run, () => preflight(run, node, call))])
  },
  async verify(run, action, signal) {
    const node = nodeOf(run, action.node)
    const [ports, clocks, versions, disk] = await Promise.all([
      portsReachable(run, node, signal),
      clocksAgree(run, node, signal),
      versionsAsPlanned(run, node, signal),
      diskKeepsUp(run, node, signal),
    ])
    return [
      { what: `kubeadm join phase preflight on ${node.name}`, saw: 'no error' },
      ...ports,
      clocks,
      versions,
      ...disk,
    ]
  },
  async rollback(run, done, call) {
    await putBack(run, done, call)
    await deleteTokens(run, call)
  },
})

async function counted(run: ConversionRun, preflight: () => Promise<void>): Promise<void> {
  run.inProcess.preflights += 1
  await preflight().finally(() => {
    run.inProcess.preflights -= 1
  })
}

/** Tokens that no journal names, because the process that made them died. Those that another joiner's preflight uses now are left. */
async function deleteTokens(run: ConversionRun, call: ChangeCall): Promise<void> {
  if (run.inProcess.preflights > 0) return
  const { joinTokenIds } = await readClusterFacts(run)
  for (const tokenId of joinTokenIds)
    await run.agent(run.first).change('deleteJoinSecrets', { tokenId, withRole: false }, call, `delete-${tokenId}`)
}

async function pullImages(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<void> {
  const cluster = await run.clusterFacts()
  const { imageRepository } = readClusterConfiguration(cluster.kubeadmConfig?.text ?? '')
  const also = [...(run.loadBalancer.images?.() ?? [])]
  await run
    .agent(node)
    .change('pullImages', { kubernetesVersion: cluster.kubernetesVersion, imageRepository, also }, call, 'pull-images')
}

/** Files beside kubeadm's own that the first control plane's manifests mount or name: a joiner's API server does not start without them. */
async function copySharedFiles(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<void> {
  if ((await run.nodeFacts(run.first)).sharedFiles.length === 0) return
  const recipients = await recipientsOf(run, [node])
  const { sealed } = await run.agent(run.first).change('sealSharedFiles', { recipients }, call, 'seal-shared-files')
  const files = sealed.find((one) => one.node === node.name)
  if (files !== undefined) await run.agent(node).change('placeSharedFiles', { files }, call, 'place-shared-files')
}

/** kubeadm reports whether it would join. To read the cluster's configuration it gets a short-lived token of its own. */
async function preflight(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<void> {
  const first = run.agent(run.first)
  const recipients = await recipientsOf(run, [node])
  const { sealed, facts } = await first.change(
    'createJoinToken',
    { recipients, tokenTtlSeconds: 900 },
    call,
    'preflight-token',
  )
  try {
    const token = sealed.find((one) => one.node === node.name)
    const { errors, warnings } = await run
      .agent(node)
      .checkJoin({ join: await joinSpec(run, node), token, runId: run.id }, (line) => call.progress(line), {
        deadlineMs: 300_000,
        signal: call.signal,
      })
    for (const warning of warnings) call.progress(`kubeadm warns: ${warning}`)
    if (errors.length > 0) {
      throw new QuorateError('STEP_FAILED', `kubeadm would not join this node: ${errors.join('; ')}`, {
        where: node.name,
        remedy: 'Fix each on that node. To accept one, add its name to policy.ignorePreflightErrors.',
      })
    }
  } finally {
    // Not worth failing for: the token expires, and the last steps delete every remaining token of this run.
    await first
      .change(
        'deleteJoinSecrets',
        { tokenId: facts['token_id'] ?? '', withRole: false },
        call,
        'delete-preflight-token',
      )
      .catch((error: unknown) =>
        call.progress(
          `the token of the preflight was not deleted: ${error instanceof Error ? error.message : String(error)}`,
        ),
      )
  }
}
