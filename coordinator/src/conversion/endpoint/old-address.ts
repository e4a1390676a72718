import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { formatEndpoint } from '@quorate/shared/names'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { existingNodes } from '../facts/membership.js'
import { readReferences } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { type Mention, toFix, type UserKind, userKinds } from './old-address-users.js'
import { localPeer } from './servers.js'

const id = 'scan-for-old-address'

/** Kubeconfigs of the first control plane that may name their own API server: those of the components that live beside it, of which kube-vip says it in its manifest too. */
const ownFiles =
  /^\/etc\/kubernetes\/((kubelet|controller-manager|scheduler|kube-vip)\.conf|manifests\/kube-vip\.yaml) /

/** The first control plane as others may call it. */
interface First {
  readonly hosts: readonly string[]
  readonly port: number
  /** The kubeconfig that its kubelet reads, where that is not kubeadm's. */
  readonly kubelet?: string
}

export const firstOf = ({ first }: ConversionRun, facts: NodeFacts): First => ({
  hosts: [
    ...new Set([first.address, localPeer(first, facts).address, first.name, facts.hostname, facts.nodeName]),
  ].filter((host) => host !== ''),
  port: apiServerPort(facts),
  kubelet: foldersOf(facts).kubeletKubeconfig,
})

/** A client that still uses the first control plane instead of the endpoint. */
export interface OldAddressUser extends Mention {
  readonly kind: UserKind
  readonly remedy: string
}

/**
 * All that still names the first control plane where it should name the endpoint, by the table of users: objects in the API, and files of every
 * node but its own local ones. What could not be searched is reported as well.
 */
export async function oldAddressUsers(
  run: ConversionRun,
): Promise<{ users: readonly OldAddressUser[]; skipped: readonly Finding[] }> {
  const first = firstOf(run, await run.nodeFacts(run.first))
  const nodes = await existingNodes(run)
  const [references, ...files] = await Promise.all([
    readReferences(run, first.hosts),
    ...nodes.map(async (node) => ({
      node,
      ...(await run.agent(node).read('findReferences', { find: [...first.hosts] })),
    })),
  ])
  const mentions: readonly Mention[] = [
    ...references,
    ...files.flatMap((seen) => seen.references.map((reference) => ({ node: seen.node.name, ...reference }))),
  ]
  return {
    users: mentions.flatMap((mention) => userOf(run, mention, first) ?? []),
    skipped: files.flatMap(({ node, skipped }) => (skipped.length === 0 ? [] : [skippedFinding(node, skipped)])),
  }
}

/** As findings of the step, the proof and the check; errors are what the cluster itself would be lost with. */
export async function oldAddressFindings(run: ConversionRun): Promise<readonly Finding[]> {
  const { users, skipped } = await oldAddressUsers(run)
  return [...users.map((user) => ({ ...findingOf(user), id, severity: user.kind.severity })), ...skipped]
}

export const findingOf = ({ kind, node, where, line, remedy }: OldAddressUser): Omit<Finding, 'id' | 'severity'> => ({
  ...(node === undefined ? {} : { node }),
  message: `${where} still names the first control plane, for ${kind.who}`,
  evidence: line,
  remedy,
})

const skippedFinding = (node: NodeEntry, skipped: readonly string[]): Finding => ({
  id,
  severity: 'warning',
  node: node.name,
  message: 'some of its files could not be searched',
  evidence: skipped.join(', '),
  remedy: `On that node, search by hand: grep -n ADDRESS ${skipped.filter((path) => path.startsWith('/')).join(' ') || '/etc -r'}`,
})

/**
 * Who the mention is of, when it counts: only the API server's address as a place to connect to does, with its port or as the host that pods are
 * told to use. Elsewhere (certSANs, a list of nodes, a metrics target) the first control plane may well be meant itself.
 */
export function userOf(run: ConversionRun, mention: Mention, first: First): OldAddressUser | undefined {
  const isOwn = ownFiles.test(mention.where) || mention.where.startsWith(`${first.kubelet} `)
  if (mention.node === run.first.name && isOwn) return undefined
  const kind = userKinds.find(({ recognised }) => recognised(mention))
  if (kind === undefined || kind.counts === 'nothing') return undefined
  const { where, line } = mention
  const server = first.hosts
    .flatMap((host) => [`${host}:${first.port}`, `[${host}]:${first.port}`])
    .find((text) => holds(line, text))
  const isAboutHost =
    kind.counts === 'host' || /KUBERNETES_SERVICE_HOST|k8sServiceHost|k8s-api-server/i.test(`${where} ${line}`)
  const host = isAboutHost ? first.hosts.find((text) => holds(line, text)) : undefined
  const old = server ?? host
  if (old === undefined) return undefined
  const wanted = old === server ? formatEndpoint(run.endpoint) : run.endpoint.host
  const sed = `s#${old.replaceAll(/[.[\]]/g, '\\$&')}#${wanted}#g`
  return { ...mention, kind, remedy: kind.remedy(toFix(mention, sed, run.endpoint)) }
}

/** The text as a whole: 192.168.13.3 is not in 192.168.13.30. */
function holds(line: string, text: string): boolean {
  const literal = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<![A-Za-z0-9.-])${literal}(?![A-Za-z0-9])(?!\\.[A-Za-z0-9])`).test(line)
}
