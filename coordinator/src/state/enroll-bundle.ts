import { lstat, mkdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { isDnsName, parseNodeName } from '@quorate/shared/names'
import { readCertificate } from '@quorate/shared/pki'
import { dialTarget, parseHostPort } from '../config/node-address.js'
import { readFileAtMost } from '../config/read-file-at-most.js'
import { recordNode } from './enrolled-nodes.js'
import { readState } from './fleet-ca.js'
import { issueByFleet, nodeCertificate } from './identities.js'
import { recordIssued } from './issued-keys.js'
import { readIssuer } from './issuer.js'
import type { StatePaths } from './paths.js'
import { validityOf } from './validity.js'
import { writeDurably } from './write-file.js'

export interface EnrolRequest {
  readonly node: string
  /** HOST or HOST:PORT on which the node's agent will listen. */
  readonly address: string
  /** Folder that receives agent.yaml, node.crt, node.key and fleet-ca.crt. */
  readonly bundle: string
}

/** Writes a node's identity into a folder, to be carried to its /etc/quorate, and records the node. Returns the paths written. */
export async function enrolBundle(paths: StatePaths, request: EnrolRequest): Promise<readonly string[]> {
  const { node, agent, listen } = parseRequest(request)
  const ca = await readIssuer(paths)
  await refuseSharedFolder(request.bundle)
  const recipient = (await readState(paths.backupRecipient, paths)).trim()
  await refuseForeignBundle(request.bundle, node)
  const issued = issueByFleet(nodeCertificate(ca, node, agent.host))
  await mkdir(request.bundle, { recursive: true, mode: 0o700 })
  await refuseSharedFolder(request.bundle)
  await recordIssued(paths, node, issued.certPem)
  const files: readonly (readonly [string, string, number])[] = [
    ['fleet-ca.crt', ca.rootsPem, 0o644],
    ['node.crt', issued.certPem, 0o644],
    ['node.key', issued.keyPem, 0o600],
    ['agent.yaml', agentConfigText({ node, listen, recipient }), 0o644],
  ]
  for (const [name, text, mode] of files) await writeDurably(join(request.bundle, name), text, mode)
  const { from, until } = validityOf(issued.certPem)
  await recordNode(paths, {
    name: node,
    agent: dialTarget(agent.host, agent.port),
    enrolledAt: Date.now(),
    certificateBeganAt: from,
    certificateExpiresAt: until,
  })
  return files.map(([name]) => join(request.bundle, name))
}

/** agent.yaml of a node. */
export const agentConfigText = ({ node, listen, recipient }: Record<'node' | 'listen' | 'recipient', string>): string =>
  `# Identity and address of this node's quorate-agent; the certificates lie beside this file.\nnode: ${node}\nlisten: '${listen}'\n# Backups of this node are encrypted for this key, and for no other.\nbackupRecipient: ${recipient}\n`

/** Where the agent listens that is dialled there. A name may resolve to an address that the node itself does not have (NAT): then it listens on all it has. */
export const listenOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  dialTarget(isIP(host) === 0 ? '0.0.0.0' : host, port)

/** USAGE for what is no name of a node, or no address. */
export function parseRequest({ node, address }: Pick<EnrolRequest, 'node' | 'address'>) {
  if (!isDnsName(node)) {
    throw new QuorateError('USAGE', `${JSON.stringify(node)} is not a node's name`, {
      remedy: 'Write it as `kubectl get nodes` shows it; for a machine to join, as its hostname.',
    })
  }
  const agent = parseHostPort(address)
  if (agent === undefined)
    throw new QuorateError('USAGE', `--address ${JSON.stringify(address)} is not HOST or HOST:PORT`, {
      remedy: 'Give the address at which this machine reaches the node: --address 192.168.13.31.',
    })
  return { node: parseNodeName(node), agent, listen: listenOf(agent) }
}

/** Who owns the folder, or may write into it, could read the key by a link of its own, or give the node another identity. */
export async function refuseSharedFolder(folder: string): Promise<void> {
  const found = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return
  const owners = [process.getuid?.(), 0]
  const why = !found.isDirectory()
    ? 'it is not a folder'
    : !owners.includes(found.uid)
      ? `it belongs to another user (uid ${found.uid})`
      : (found.mode & 0o022) !== 0
        ? 'other users may write to it'
        : undefined
  if (why === undefined) return
  throw new QuorateError('USAGE', `the node's private key is not written to this folder: ${why}`, {
    where: folder,
    remedy: 'Name a folder that does not exist yet, or one of your own with mode 0700, with --bundle.',
  })
}

/** A certificate with its issuer is a few KiB. */
const largestCertificate = 64 * 1024

// Two nodes with one identity would be indistinguishable to the coordinator.
async function refuseForeignBundle(folder: string, node: string): Promise<void> {
  const text = await readFileAtMost(join(folder, 'node.crt'), largestCertificate).catch(() => undefined)
  if (text === undefined) return
  const sans = namesIn(text)
  if (!sans.includes(node)) {
    throw new QuorateError(
      'USAGE',
      `the folder holds the identity of another node (${sans.join(', ') || 'unreadable'})`,
      {
        where: folder,
        remedy: 'Give every node a folder of its own with --bundle.',
      },
    )
  }
}

/** Empty where it is not a certificate. */
function namesIn(certificate: string): readonly string[] {
  try {
    return readCertificate(certificate).sans
  } catch {
    return []
  }
}
