import type { EnrolledNode } from '../../config/enrolled-node.js'
import type { Rotation } from '../../state/rotation.js'
import type { RotationRun } from './context.js'

/** Gives a node the roots to trust from now on. The node refuses them where it, or this coordinator, would be shut out. */
export async function giveBundle(run: RotationRun, node: EnrolledNode, { document }: Rotation['both']): Promise<void> {
  const { cert: certificatePem } = await run.trust.own()
  await run.ask(node, (agent) => agent.read('keepTrustBundle', { document, certificatePem }))
}
