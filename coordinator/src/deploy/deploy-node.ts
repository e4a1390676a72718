import { X509Certificate } from 'node:crypto'
import { keyOf } from '@quorate/shared/deny-list'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { requireOffered, requireVouched } from '@quorate/shared/identity-offer'
import type { InstallAnswer, InstallJob } from '@quorate/shared/install-job'
import { holds, until } from '@quorate/shared/until'
import type { NodeEntry } from '../config/cluster-file.js'
import type { EnrolledNode } from '../config/enrolled-node.js'
import type { Fleet } from '../fleet/fleet.js'
import type { Enrolment } from '../state/enrolment.js'
import type { Renewals } from '../state/renewals.js'
import type { NodeChannel } from './node-channel.js'
import type { NodeLook } from './node-look.js'
import type { NodePlan } from './node-plan.js'

/** What a deployment needs beside the node. */
export interface Means {
  readonly enrolment: Enrolment
  readonly renewals: Renewals
  /** Connections of its own: the handshake shows which key the agent has now. */
  connect(): Fleet
  readonly enrolled: readonly EnrolledNode[]
  progress(node: string, what: string): void
}

/** A node with what was planned for it. */
export interface PlannedNode {
  readonly node: NodeEntry
  readonly channel: NodeChannel
  readonly look: NodeLook
  readonly plan: NodePlan
}

/** An agent that starts answers within seconds. */
const gateMs = 60_000

/** Puts the agent onto a node. Where it does not answer then, the node gets back what it had: INSTALL_FAILED says so. */
export async function deployNode(planned: PlannedNode, means: Means): Promise<void> {
  const { node, channel, plan } = planned
  const job = (what: InstallJob['job']): InstallJob => ({
    ...{ job: what, node: node.name, sha256: plan.agent.sha256, identity: plan.identity },
  })
  means.progress(node.name, plan.sends ? 'sending the agent' : 'preparing')
  const staged = accepted(
    node,
    await channel.send(job('stage'), plan.sends ? { packed: [await plan.agent.packed()] } : {}),
  )
  const issued = plan.identity ? await enrol(planned, staged, means) : undefined
  means.progress(node.name, 'starting the agent')
  const before = means.enrolled.find(({ name }) => name === node.name)
  const forget = () => (issued === undefined ? undefined : means.enrolment.putBack(node.name, before))
  const applied = await channel.send(job('apply'), { files: issued?.files ?? [] })
  if (!applied.ok) {
    await forget()
    throw refused(node, applied)
  }
  means.progress(node.name, 'waiting for its answer')
  try {
    await agentAnswers(planned, issued?.certificate ?? planned.look.certificate, means)
  } catch (thrown) {
    await forget()
    throw await goneBack(planned, asQuorateError(thrown), job('rollback'))
  }
  accepted(node, await channel.send(job('confirm')))
}

/** Certifies the key that the node has just made. */
async function enrol({ node, look }: PlannedNode, staged: InstallAnswer, { enrolment, renewals }: Means) {
  const { publicKeyPem = '', signature = '' } = staged
  requireOffered(node.name, { publicKeyPem, signature: Buffer.from(signature, 'base64') })
  const certificate = await renewals.certify(node, publicKeyPem)
  const own = await enrolment.files(node)
  await enrolment.record(node, certificate)
  const config = own['agent.yaml'] + ownSettings(look.config)
  const files = Object.entries({ ...own, 'agent.yaml': config, 'node.crt': certificate })
  return { certificate, files: files.map(([name, text]) => ({ name, mode: 0o600, bytes: Buffer.from(text) })) }
}

/** What an operator set in agent.yaml stays. */
const ownSettings = (config: string): string =>
  (config.match(/^(?:criSocket|stateFolder): .*$/gm) ?? []).map((line) => `${line}\n`).join('')

/** The gate: over mTLS, an answer that is signed with the key of that certificate. */
async function agentAnswers({ node }: PlannedNode, certificate: string, means: Means): Promise<void> {
  const key = keyOf(new X509Certificate(certificate))
  const look = async () => {
    const fleet = means.connect()
    try {
      const offered = await fleet.agent(node).read('offerIdentityKey', {})
      return holds(requireVouched(node.name, offered, new Set([key])))
    } finally {
      fleet.close()
    }
  }
  await until(`the agent of ${node.name} to answer at ${node.agent}`, look, {
    deadlineMs: gateMs,
    everyMs: 250,
    longestMs: 2000,
  })
}

async function goneBack({ node, channel }: PlannedNode, why: QuorateError, job: InstallJob): Promise<QuorateError> {
  const back = await channel.send(job).catch((error: unknown) => ({ ok: false, said: asQuorateError(error).message }))
  const after = back.ok ? 'the node has what it had before' : `going back failed: ${back.said}`
  return new QuorateError('INSTALL_FAILED', `${why.message}; ${after}`, {
    where: node.name,
    cause: why,
    remedy: `On the node: \`journalctl -u quorate-agent\`. Open ${node.agent} from this machine. Then run \`quorate deploy\` again.`,
  })
}

function accepted(node: NodeEntry, answer: InstallAnswer): InstallAnswer {
  if (answer.ok) return answer
  throw refused(node, answer)
}

const refused = (node: NodeEntry, { said, remedy, asBefore }: InstallAnswer): QuorateError =>
  new QuorateError('INSTALL_FAILED', `${said}${asBefore ? '; the node has what it had before' : ''}`, {
    where: node.name,
    ...(remedy === undefined ? {} : { remedy }),
  })

/** Puts back what a node had before the last deployment. */
export async function rollBackNode(node: NodeEntry, channel: NodeChannel): Promise<void> {
  const job: InstallJob = { job: 'rollback', node: node.name, sha256: '0'.repeat(64), identity: false }
  accepted(node, await channel.send(job))
}
