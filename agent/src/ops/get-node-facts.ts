import { setMaxListeners } from 'node:events'
import { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { GetNodeFactsRequest, GetNodeFactsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readCertificate } from '@quorate/shared/pki'
import { factsSchema } from '@quorate/shared/release'
import { version } from '@quorate/shared/version'
import { placedTokenId } from './cluster/join-secret.js'
import { readLearnerGate } from './cluster/learner-gate.js'
import { readOperation } from './context/operation.js'
import type { Tools } from './context/tools.js'
import { readAppArmor } from './facts/apparmor.js'
import { readCertificateFacts } from './facts/certificates.js'
import { readCloudInitHosts } from './facts/cloud-init.js'
import { readDisks } from './facts/disks.js'
import { readFiles } from './facts/files.js'
import { readFolderFacts } from './facts/folders.js'
import { readKubeconfigs } from './facts/kubeconfigs.js'
import { readKubeletConfig } from './facts/kubelet-config.js'
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
import { unreadFacts } from './facts/unread.js'
import { readDefaultInterface, readInterfaces } from './network/interfaces.js'
import { readNameservers } from './network/nameservers.js'
import { readListening } from './network/sockets.js'
import { readExternalCaFacts } from './signed-elsewhere/requests.js'

/** A program or a runtime that hangs must not delay the other facts; an overloaded node may still take seconds. */
const programMs = 8000
const runtimeAnswerMs = 6000

/**
 * What this node is and has. A part that cannot be read stays empty and is named in `unread`; the others are returned: a node with a broken
 * file must still be able to report it. All parts are read at once, each program as its own child.
 */
export const getNodeFacts = readOperation<GetNodeFactsRequest, GetNodeFactsResponse>(
  async (_request, tools, caller) => {
    const host = oneLook(tools.host)
    const signal = AbortSignal.any([caller, AbortSignal.timeout(programMs)])
    // One listener for each program: many at once, and all are removed.
    setMaxListeners(0, signal)
    const parts = await Promise.all([
      part('machine', () => readSystem(host, signal)),
      part('programs', () => readPrograms(tools.host, signal)),
      part('units of systemd', () => readUnits(host, signal)),
      part('operating system', () => readMachine(host, signal)),
      part('certificates', () => readCertificateFacts(host)),
      part('folders of the cluster', async () => ({ folders: await readFolderFacts(host, signal) })),
      part('static pods', async () => {
        const pods = await readStaticPods(host)
        return { ...pods, ...(await readOtherStaticPods(host, pods.strayManifests).catch(() => ({}))) }
      }),
      part('packages', () => readPackages(host)),
      part('AppArmor profiles', () => readAppArmor(host)),
      part('configuration files', () => readFiles(host)),
      part('join secret', async () => ({ placedTokenId: await placedTokenId(host) })),
      part("the kubelet's configuration", () => readKubeletConfig(host)),
      part('kubeconfigs', () => readKubeconfigs(host)),
      part('files that the static pods read', async () => ({ sharedFiles: await readSharedFiles(host) })),
      part('external CAs', () => readExternalCaFacts({ ...tools, host })),
      part('kept feature gate', async () => ({ learnerGateBefore: await readLearnerGate({ ...tools, host }) })),
      part('leftovers', async () => ({ leftovers: await readLeftovers(host) })),
      part('other distributions', async () => ({ otherDistribution: await readOtherDistribution(host) })),
      part('disks', async () => ({ disks: await readDisks({ ...tools, host }) })),
      part('network interfaces', async () => ({ interfaces: await readInterfaces(host, signal) })),
      part('configuration of the container runtime', () => readRuntime(host, tools.criSocket)),
      part('kubelet flags', async () => ({ kubeletFlags: await readKubeletFlags(host) })),
      part('firmware', async () => ({ dmi: await readDmi(host) })),
      part('cloud-init', async () => ({ cloudInitHosts: await readCloudInitHosts(host) })),
      part('proxies', async () => ({ proxies: await readProxies(host) })),
      part('default route', async () => ({ defaultInterface: await readDefaultInterface(host) })),
      part('name servers', async () => ({ nameservers: await readNameservers(host) })),
      part('listening ports', async () => ({ listening: await readListening(host, signal) })),
      part('container runtime', async () => ({ containerRuntime: await runtimeVersion(tools, signal) })),
    ])
    caller.throwIfAborted()
    const known: Partial<NodeFacts> = Object.assign({}, ...parts)
    const unread = parts.flatMap((one) => one.unread ?? [])
    return { facts: NodeFacts.fromPartial({ ...known, unread, ...ownFacts(tools) }) }
  },
)

/** What the agent knows of itself. */
const ownFacts = ({ criSocket, identity }: Tools): Partial<NodeFacts> => ({
  ...{ agentVersion: version, clockUnixMs: Date.now(), criSocket, schemaVersion: factsSchema },
  agentCertificateUntilUnixMs: readCertificate(identity.cert).notAfter.getTime(),
})

/** The name of these facts in the message that they could not be read. */
const part = (what: string, read: () => Promise<Partial<NodeFacts>>): Promise<Partial<NodeFacts>> =>
  read().catch((error: unknown) => ({ unread: [unreadFacts(what, error)] }))

async function runtimeVersion(tools: Tools, signal: AbortSignal): Promise<string> {
  const cri = tools.cri()
  try {
    return await cri.version(AbortSignal.any([signal, AbortSignal.timeout(runtimeAnswerMs)]))
  } catch {
    // A runtime that does not answer has no version: the check container-runtime reports that.
    return ''
  } finally {
    cri.close()
  }
}
