import { setMaxListeners } from 'node:events'
import { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { GetNodeFactsRequest, GetNodeFactsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { version } from '@quorate/shared/version'
import { readLearnerGate } from './cluster/learner-gate.js'
import { readAppArmor } from './facts/apparmor.js'
import { readCertificateFacts } from './facts/certificates.js'
import { readCloudInitHosts } from './facts/cloud-init.js'
import { readDisks } from './facts/disks.js'
import { readFiles } from './facts/files.js'
import { readFolderFacts } from './facts/folders.js'
import { readKubeconfigs } from './facts/kubeconfigs.js'
import { readKubeletFlags } from './facts/kubelet-flags.js'
import { readLeftovers, readOtherDistribution } from './facts/leftovers.js'
import { readMachine } from './facts/machine.js'
import { oneLook } from './facts/one-look.js'
import { readOtherStaticPods } from './facts/other-static-pods.js'
import { readPackages } from './facts/packages.js'
import { readPrograms } from './facts/programs.js'
import { readProxies } from './facts/proxies.js'
import { readRuntime } from './facts/runtime.js'
import { readSharedFiles } from './facts/shared-files.js'
import { readStaticPods } from './facts/static-pods.js'
import { readDmi, readSystem } from './facts/system.js'
import { readUnits } from './facts/units.js'
import { readDefaultInterface, readInterfaces } from './network/interfaces.js'
import { readNameservers } from './network/nameservers.js'
import { readListening } from './network/sockets.js'
import { readOperation } from './operation.js'
import { readExternalCaFacts } from './signed-elsewhere/requests.js'
import type { Tools } from './tools.js'

/** Rises when a field changes its meaning. */
const schemaVersion = 1

/** A program or a runtime that hangs must not hold the other facts up; a node that is starved may still take seconds. */
const programMs = 8000
const runtimeAnswerMs = 6000

/**
 * What this node is and has. A part that cannot be read is left empty, the others are answered: a node with a broken file must
 * still be able to say so. All parts are read at once, each program as a child of its own.
 */
export const getNodeFacts = readOperation<GetNodeFactsRequest, GetNodeFactsResponse>(
  async (_request, tools, caller) => {
    const host = oneLook(tools.host)
    const signal = AbortSignal.any([caller, AbortSignal.timeout(programMs)])
    // One listener for each program at once: many, and none is left behind.
    setMaxListeners(0, signal)
    const parts = await Promise.all([
      part(() => readSystem(host, signal)),
      part(() => readPrograms(tools.host, signal)),
      part(() => readUnits(host, signal)),
      part(() => readMachine(host, signal)),
      part(() => readCertificateFacts(host)),
      part(async () => ({ folders: await readFolderFacts(host, signal) })),
      part(async () => {
        const pods = await readStaticPods(host)
        return { ...pods, ...(await readOtherStaticPods(host, pods.strayManifests).catch(() => ({}))) }
      }),
      part(() => readPackages(host)),
      part(() => readAppArmor(host)),
      part(() => readFiles(host)),
      part(async () => ({ kubeconfigs: await readKubeconfigs(host) })),
      part(async () => ({ sharedFiles: await readSharedFiles(host) })),
      part(() => readExternalCaFacts({ ...tools, host })),
      part(async () => ({ learnerGateBefore: await readLearnerGate({ ...tools, host }) })),
      part(async () => ({ leftovers: await readLeftovers(host) })),
      part(async () => ({ otherDistribution: await readOtherDistribution(host) })),
      part(async () => ({ disks: await readDisks({ ...tools, host }) })),
      part(async () => ({ interfaces: await readInterfaces(host, signal) })),
      part(() => readRuntime(host, tools.criSocket)),
      part(async () => ({ kubeletFlags: await readKubeletFlags(host) })),
      part(async () => ({ dmi: await readDmi(host) })),
      part(async () => ({ cloudInitHosts: await readCloudInitHosts(host) })),
      part(async () => ({ proxies: await readProxies(host) })),
      part(async () => ({ defaultInterface: await readDefaultInterface(host) })),
      part(async () => ({ nameservers: await readNameservers(host) })),
      part(async () => ({ listening: await readListening(host, signal) })),
      part(async () => ({ containerRuntime: await runtimeVersion(tools, signal) })),
    ])
    caller.throwIfAborted()
    const known: Partial<NodeFacts> = Object.assign({}, ...parts)
    const own = { agentVersion: version, clockUnixMs: Date.now(), criSocket: tools.criSocket, schemaVersion }
    return { facts: NodeFacts.fromPartial({ ...known, ...own }) }
  },
)

const part = (read: () => Promise<Partial<NodeFacts>>): Promise<Partial<NodeFacts>> => read().catch(() => ({}))

async function runtimeVersion(tools: Tools, signal: AbortSignal): Promise<string> {
  const cri = tools.cri()
  try {
    return await cri.version(AbortSignal.any([signal, AbortSignal.timeout(runtimeAnswerMs)]))
  } finally {
    cri.close()
  }
}
