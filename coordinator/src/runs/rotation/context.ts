import { QuorateError } from '@quorate/shared/errors'
import { certificatesIn, isOfFleet } from '@quorate/shared/fleet-chain'
import type { GetTrustBundleResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { EnrolledNode } from '../../config/enrolled-node.js'
import type { Action, Step } from '../../engine/step.js'
import type { Agent } from '../../fleet/agent.js'
import type { FleetTrust } from '../../state/fleet-trust.js'
import type { Rotation } from '../../state/rotation.js'

/** Where the coordinator's own part of a step is done, as the journal names it. */
export const here = 'coordinator'

/** A rotation of the fleet's root: the nodes, and what each trusts and shows now. */
export interface RotationRun {
  readonly trust: FleetTrust
  /** Makes the next root; with the keys that the operator gave. */
  begin(): Promise<void>
  readonly nodes: readonly EnrolledNode[]
  /** What a node trusts and shows; read once until `refresh`. */
  met(node: EnrolledNode): Promise<GetTrustBundleResponse>
  refresh(touched?: Iterable<string>): void
  /** Asks a node over a connection of its own, which trusts these roots alone (PEM; unset: those of today): its handshake is the proof. */
  ask<T>(node: EnrolledNode, work: (agent: Agent) => Promise<T>, roots?: string): Promise<T>
  /** Gives a node its next certificate, by the issuer of today. */
  renew(node: EnrolledNode): Promise<void>
}

export type RotationStep = Step<RotationRun>

/** Whether a chain of certificates holds under one root. */
export const isBelow = (chain: string, root: string): boolean => isOfFleet(chain, root, Date.now())

/** Whether a root is among others; PEM. */
export const isAmong = (root: string, roots: string): boolean =>
  certificatesIn(roots).some(({ raw }) => certificatesIn(root)[0]?.raw.equals(raw))

/** The rotation that is under way; INTERNAL where the step before did not make it. */
export async function underWay({ trust }: RotationRun): Promise<Rotation> {
  const rotation = await trust.rotation()
  if (rotation === undefined) throw new QuorateError('INTERNAL', 'no rotation of the root is under way')
  return rotation
}

/** What a node says over a new connection that trusts these roots alone; unset: those of today. */
export const meet = (run: RotationRun, node: EnrolledNode, roots?: string): Promise<GetTrustBundleResponse> =>
  run.ask(node, (agent) => agent.read('getTrustBundle', {}), roots)

/** Every node over a new connection; how many there are. */
export async function meetAll(run: RotationRun, roots?: string): Promise<string> {
  await Promise.all(run.nodes.map((node) => meet(run, node, roots)))
  return `${run.nodes.length} of ${run.nodes.length}`
}

/** One action a node that lacks something; all of them before the rotation has begun. */
export async function onNodes(
  run: RotationRun,
  does: string,
  lacks: (met: GetTrustBundleResponse, rotation: Rotation) => boolean,
): Promise<readonly Action[]> {
  const rotation = await run.trust.rotation()
  const due = await Promise.all(
    run.nodes.map(async (node) => {
      const met = await run.met(node)
      return rotation === undefined || lacks(met, rotation) ? [actionOn(node.name, does)] : []
    }),
  )
  return due.flat()
}

export const actionOn = (node: string, does: string): Action => ({ id: node, node, does, diffs: [] })
