import { dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { Log } from '@quorate/shared/log'
import { type CertificateView, keyMatches, readCertificate } from '@quorate/shared/pki'
import { type AgentConfig, parseAgentConfig } from './config.js'
import { createSealing } from './host/age-sealing.js'
import { type AppendFile, openAppendFile } from './host/append-file.js'
import { BackupSealing } from './host/backup-sealing.js'
import { connectCri } from './host/cri-client.js'
import { findCriSocket } from './host/cri-socket.js'
import { DenyList } from './host/deny-list.js'
import { connectEtcd } from './host/etcd-client.js'
import type { Host } from './host/host.js'
import { LinuxHost } from './host/linux-host.js'
import { connectKubeApi } from './host/local-kube-api.js'
import type { NodeIdentity } from './host/node-identity.js'
import { NodeNetwork } from './host/node-network.js'
import { certificateOf, OwnIdentity } from './host/own-identity.js'
import { Pins } from './host/pins.js'
import { DisturbingLooks } from './ops/context/disturbing-looks.js'
import type { Tools } from './ops/context/tools.js'
import { operations } from './ops/registry.js'
import { sweepLeftovers } from './ops/sweep-leftovers.js'
import { recordCalls } from './server/call-audit.js'
import { Ledger } from './server/ledger.js'
import { serve } from './server/serve.js'
import { diskRemedy, isSystemError } from './server/system-error.js'

export interface RunningAgent {
  readonly node: string
  readonly listen: string
  /** See Serving.stop. */
  stop(graceMs: number): Promise<void>
}

/** Reads agent.yaml and the identity beside it, opens the ledger and serves. Throws AGENT_CONFIG_INVALID, JOURNAL_DAMAGED, PORT_IN_USE. */
export async function startAgent(configPath: string, log: Log): Promise<RunningAgent> {
  // The agent's own files are outside of a simulated node's root.
  const files = new LinuxHost()
  const config = parseAgentConfig(await readText(files, configPath), configPath)
  const folder = dirname(configPath)
  const identity = new OwnIdentity(files, folder, await readIdentity(files, folder, { node: config.node, log }))
  const host = new LinuxHost(config.hostRoot)
  const ledgerPath = host.realPath(join(config.stateFolder, 'ledger.jsonl'))
  const ledger = new Ledger(await openLedger(ledgerPath), ledgerPath)
  const tools = await toolsOf(host, { config, identity, log })
  const beforeResume = async (followed: readonly string[]): Promise<void> => {
    const removed = await sweepLeftovers(host, { stateFolder: config.stateFolder, followed })
    if (removed.length > 0) log.warn('removed what an agent before this one left', { removed })
  }
  const calls = recordCalls(host.realPath(join(config.stateFolder, 'calls.jsonl')), log)
  const serving = await serve({ listen: config.listen, identity, operations, tools, ledger, calls, log, beforeResume })
  await ledger.compactIfLarge().catch((error: Error) => log.warn('the ledger stays large', { why: error.message }))
  return { node: config.node, listen: config.listen, stop: serving.stop }
}

/** SYSTEM_REFUSED with the errno and a remedy: without its ledger the agent would not know what it did, and does not start. */
async function openLedger(path: string): Promise<AppendFile> {
  try {
    return await openAppendFile(path)
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
    throw new QuorateError('SYSTEM_REFUSED', `the ledger cannot be opened: ${cause.message}`, {
      where: path,
      cause,
      remedy: `${diskRemedy(cause)} \`ls -ld ${path}\`: it must be a file of root, mode 0600.`,
    })
  }
}

interface Started {
  readonly config: AgentConfig
  readonly identity: OwnIdentity
  readonly log: Log
}

async function toolsOf(host: Host, { config, identity, log }: Started): Promise<Tools> {
  const { stateFolder, criSocket, hostRoot, listenAddress, backupRecipient } = config
  const enrolled = backupRecipient === '' ? {} : { 'backup-recipient': backupRecipient }
  // Simulated nodes share one machine: each holds ports only on its own address.
  const network = new NodeNetwork({ host, ...(hostRoot === '/' ? {} : { holdAddress: listenAddress }) })
  const denyList = await DenyList.open({ host, stateFolder, ca: () => identity.ca, log })
  const pins = new Pins({ host, stateFolder, enrolled, log })
  return {
    host,
    stateFolder,
    get criSocket() {
      return criSocket || findCriSocket(host)
    },
    network,
    identity,
    sealing: await createSealing(identity, denyList),
    denyList,
    pins,
    backups: new BackupSealing({ host, stateFolder, pins }),
    looks: new DisturbingLooks(),
    kube: () => connectKubeApi(host),
    etcd: () => connectEtcd(host),
    cri: () => connectCri(host, criSocket || findCriSocket(host)),
  }
}

async function readIdentity(
  files: Host,
  folder: string,
  { node, log }: { readonly node: string; readonly log: Log },
): Promise<NodeIdentity> {
  const [ca = '', found = '', key = ''] = await Promise.all(
    ['fleet-ca.crt', 'node.crt', 'node.key'].map((name) => readText(files, join(folder, name))),
  )
  readOwn(ca, join(folder, 'fleet-ca.crt'))
  readOwn(found, join(folder, 'node.crt'))
  const identity = { node, ca, key, cert: await certificateOf(files, folder, found, key) }
  const { sans, notAfter } = readOwn(identity.cert, join(folder, 'node.crt'))
  const invalid = (why: string) =>
    new QuorateError('AGENT_CONFIG_INVALID', `${join(folder, 'node.crt')} ${why}`, { where: folder })
  if (!sans.includes(node)) throw invalid(`is for ${sans.join(', ')} and not for ${node}, which agent.yaml names`)
  if (!keyMatches(identity.cert, identity.key)) throw invalid('does not belong to node.key')
  // It starts all the same: `quorate renew` gives it the next one, by the key that it has.
  if (notAfter.getTime() <= Date.now())
    log.warn('the certificate of this agent has expired', {
      until: notAfter.toISOString(),
      next: `quorate renew ${node}`,
    })
  return identity
}

function readOwn(pem: string, path: string): CertificateView {
  try {
    return readCertificate(pem)
  } catch (cause) {
    throw new QuorateError('AGENT_CONFIG_INVALID', `${path} is not a PEM certificate`, { where: path, cause })
  }
}

/** Text of a file of the agent's own; AGENT_CONFIG_INVALID. */
export async function readText(files: Host, path: string): Promise<string> {
  const file = await files.read(path, { followLinks: true }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new QuorateError('AGENT_CONFIG_INVALID', `${path} cannot be read: ${why}`, { where: path, cause })
  })
  if (file === undefined) throw new QuorateError('AGENT_CONFIG_INVALID', `${path} does not exist`, { where: path })
  return file.bytes.toString('utf8')
}
