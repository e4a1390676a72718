import { keyOf } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { certificatesIn, isOfFleet } from '@quorate/shared/fleet-chain'
import { installPaths } from '@quorate/shared/install-job'
import { readCertificate } from '@quorate/shared/pki'
import type { NodeEntry } from '../config/cluster-file.js'
import { parseHostPort } from '../config/node-address.js'
import { type AgentFile, agentFor } from './agent-files.js'
import type { NodeLook } from './node-look.js'

/** What the nodes are to have. */
export interface Wanted {
  readonly agents: readonly AgentFile[]
  /** Roots of the fleet; empty: there is none yet. */
  readonly roots: string
  /** Keys that were revoked, by SHA-256. */
  readonly revoked: ReadonlySet<string>
  /** Names that this fleet knows. */
  readonly enrolled: ReadonlySet<string>
  /** Agents of other fleets are taken over. */
  readonly replaceFleet: boolean
  /** Unix milliseconds. */
  readonly now: number
}

/** What a deployment does on one node. */
export interface NodePlan {
  readonly does: 'install' | 'upgrade' | 'finish' | 'nothing'
  /** What is there now. */
  readonly now: string
  /** What would change, one sentence each. */
  readonly changes: readonly string[]
  /** A new key and certificate. */
  readonly identity: boolean
  /** The binary travels. */
  readonly sends: boolean
  readonly agent: AgentFile
}

/** Beside the new binary, which lies there together with the old one. */
const roomBytes = 32 * 1024 * 1024
/** Certificates begin an hour before they are issued (issue-certificate.ts); some of it is for the way. */
const clockBehindMs = 55 * 60_000

/** What would be done on a node; throws why nothing can be, NODE_UNSUITABLE or AGENT_UNTRUSTED. */
export function planNode(node: NodeEntry, look: NodeLook, wanted: Wanted): NodePlan {
  const agent = agentFor(wanted.agents, look.architecture)
  if (agent === undefined) throw otherArchitecture(node, look, wanted.agents)
  requireSuitable(node, look, { wanted, agent })
  if (look.packaged && look.binary !== agent.sha256) throw otherPackage(node, look, agent)
  const identity = whyIdentity(node, look, wanted)
  const sends = look.binary !== agent.sha256
  const isOpen = look.traces.includes(`${installPaths.home}/previous/open`)
  const changes = [
    ...(sends
      ? [`${look.binary === undefined ? 'install' : 'replace'} ${installPaths.binary}: ${short(agent.sha256)}`]
      : []),
    ...(identity === undefined ? [] : [`make a key there and certify it: ${identity}`]),
    ...(isOpen ? ['finish an installation that was cut off'] : []),
    ...(!look.packaged && !look.traces.includes(installPaths.unit) ? [`write ${installPaths.unit}`] : []),
    ...(look.outdated ? ['restart the agent: it still runs the binary before'] : []),
    ...(look.active ? [] : ['start the agent']),
    ...(look.enabled ? [] : ['start the agent with the node']),
  ]
  const fresh = look.binary === undefined
  return {
    does: changes.length === 0 ? 'nothing' : fresh ? 'install' : sends ? 'upgrade' : 'finish',
    now: presentAgent(look),
    ...{ changes, identity: identity !== undefined, sends, agent },
  }
}

/** What is there, for the plan. */
export const presentAgent = ({ binary, active }: NodeLook): string =>
  binary === undefined ? 'no agent' : `agent ${short(binary)}${active ? '' : ', not running'}`

export const short = (sha256: string): string => sha256.slice(0, 12)

/** Why a node needs a new identity; undefined: it has one of this fleet. */
function whyIdentity(node: NodeEntry, { certificate, config }: NodeLook, wanted: Wanted): string | undefined {
  if (certificate === '') return 'it has none'
  const { roots, revoked, enrolled, now } = wanted
  if (!isOfFleet(certificate, roots, now)) return 'this fleet did not issue the one that it has'
  const [own] = certificatesIn(certificate)
  if (own === undefined) return 'it has none'
  const { sans, notAfter } = readCertificate(own.toString())
  if (!sans.includes(node.name) || !new RegExp(`^node: ${node.name.replaceAll('.', '\\.')}$`, 'm').test(config))
    return `the one that it has is for ${sans.join(', ')}`
  if (notAfter.getTime() < now) return 'the one that it has is expired'
  if (revoked.has(keyOf(own))) return 'its key was revoked'
  return enrolled.has(node.name) ? undefined : 'this state folder does not know the one that it has'
}

function requireSuitable(
  node: NodeEntry,
  look: NodeLook,
  { wanted, agent }: { readonly wanted: Wanted; readonly agent: AgentFile },
): void {
  const refuse = (message: string, remedy: string) =>
    new QuorateError('NODE_UNSUITABLE', message, { where: node.name, remedy })
  if (!look.systemd)
    throw refuse('it does not run systemd', 'Quorate needs systemd 219 or later on every node, as kubeadm does.')
  if (look.missing.length > 0)
    throw refuse(
      `it lacks ${look.missing.join(', ')}`,
      'Install these programs on the node, then run the command again.',
    )
  if (look.mount.options.includes('noexec'))
    throw refuse(
      `its ${look.mount.at} is mounted noexec: /usr/bin/quorate-agent could not run`,
      `On the node: \`mount -o remount,exec ${look.mount.at}\`, and remove noexec from /etc/fstab.`,
    )
  if (look.mount.options.includes('ro'))
    throw refuse(
      `its ${look.mount.at} is mounted read-only`,
      'Put the agent into the image of the node, or mount /usr so that it can be written.',
    )
  const room = agent.bytes + roomBytes
  if (look.binary !== agent.sha256 && look.freeBytes < room)
    throw refuse(
      `its disk is full: ${mib(look.freeBytes)} MiB are free at ${look.mount.at}, the agent needs ${mib(room)}`,
      'On the node: `df -h /usr/bin`. Make room, then run the command again.',
    )
  if (look.selinux !== 'none' && !look.canLabel)
    throw refuse(
      'SELinux is on, and there is no restorecon to set contexts with',
      'Install policycoreutils on the node.',
    )
  requireClock(node, look, wanted.now)
  requirePort(node, look)
  requireOwnFleet(node.name, look.roots, wanted)
}

function requireClock(node: NodeEntry, { clock }: NodeLook, now: number): void {
  const behind = now - clock * 1000
  if (behind < clockBehindMs) return
  throw new QuorateError(
    'NODE_UNSUITABLE',
    `its clock is ${Math.round(behind / 60_000)} minutes behind this machine's: certificates would not be valid yet there`,
    {
      where: node.name,
      remedy: 'Correct the clock that is wrong: `timedatectl` on both; chronyd or systemd-timesyncd must run.',
    },
  )
}

function requirePort(node: NodeEntry, look: NodeLook): void {
  const port = parseHostPort(node.agent)?.port ?? 0
  if (look.active || !look.ports.has(port)) return
  const holder = look.listeners.split('\n').find((line) => line.includes(`:${port} `))
  const by = /users:\(\("([^"]+)"/.exec(holder ?? '')?.[1]
  throw new QuorateError('NODE_UNSUITABLE', `port ${port} is taken there${by === undefined ? '' : ` by ${by}`}`, {
    where: node.name,
    remedy: `On the node: \`ss -ltnp 'sport = :${port}'\`. Stop it, or give the agent another port: \`agent: HOST:PORT\` at the node in the cluster file.`,
  })
}

/** AGENT_UNTRUSTED where a node trusts the roots of another fleet, and that was not asked for. */
export function requireOwnFleet(node: string, roots: string, wanted: Wanted): void {
  if (roots === '' || wanted.replaceFleet || isSameFleet(roots, wanted.roots)) return
  throw new QuorateError('AGENT_UNTRUSTED', 'its agent is of another fleet', {
    where: node,
    remedy:
      'Use the state folder of that fleet with --state. If that one is lost, or the node is to change: --replace-fleet gives it an identity of this fleet.',
  })
}

/** One root in common: while the root of a fleet is exchanged there are two. */
function isSameFleet(some: string, others: string): boolean {
  try {
    const own = new Set(certificatesIn(others).map(keyOf))
    return certificatesIn(some).some((root) => own.has(keyOf(root)))
  } catch {
    return false
  }
}

const otherArchitecture = (node: NodeEntry, { architecture }: NodeLook, agents: readonly AgentFile[]): QuorateError =>
  new QuorateError(
    'NODE_UNSUITABLE',
    `it is ${architecture || 'of an unknown architecture'}, and the agent at hand is for ${agents.map((one) => one.architecture).join(', ')}`,
    { where: node.name, remedy: 'Name the quorate-agent for this architecture with --agent, beside the others.' },
  )

/** Files of a package are changed by the package manager alone. */
function otherPackage({ name }: NodeEntry, { binary }: NodeLook, agent: AgentFile): QuorateError {
  const installed = binary === undefined ? 'no agent' : `agent ${short(binary)}`
  return new QuorateError(
    'NODE_UNSUITABLE',
    `its agent came as a package: it has ${installed}, and the agent at hand is ${short(agent.sha256)}`,
    {
      where: name,
      remedy:
        'Upgrade the package quorate-agent on the node (apt-get, dnf, zypper), or name the quorate-agent of its release with --agent.',
    },
  )
}

/** NODE_UNSUITABLE where files of a package would be removed or replaced. */
export function requireNotPackaged(node: string, { packaged }: NodeLook): void {
  if (!packaged) return
  throw new QuorateError('NODE_UNSUITABLE', 'its agent came as a package', {
    where: node,
    remedy:
      'On the node, use the package manager: `apt-get purge quorate-agent`, or `dnf remove quorate-agent` and then `rm -rf /etc/quorate /var/lib/quorate-agent`.',
  })
}

const mib = (bytes: number): number => Math.floor(bytes / 2 ** 20)
