import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunEvent } from '@quorate/coordinator/engine/events'
import { leaseStore } from '@quorate/coordinator/engine/lease'
import { newRunId } from '@quorate/coordinator/engine/run-id'
import { runStore } from '@quorate/coordinator/engine/run-store'
import type { Agent } from '@quorate/coordinator/fleet/agent'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { backupStore } from '@quorate/coordinator/state/backups'
import { statePaths } from '@quorate/coordinator/state/paths'
import { requestFolder } from '@quorate/coordinator/state/request-folder'
import { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeName, RunId } from '@quorate/shared/names'

export const clusterFile = `apiVersion: quorate/v1alpha1
kind: Conversion
metadata: {name: prod}
endpoint: apiserver.example.com:8443
loadBalancer: {kind: haproxy, virtualIP: 192.168.13.100}
controlPlanes:
  - {name: k8smaster1.example.com, address: 192.168.13.30}
  - {name: k8smaster2.example.com, address: 192.168.13.31}
  - {name: k8smaster3.example.com, address: 192.168.13.32}
`

/** A session over a real state folder, with real journals and leases, and agents that only know their facts; no check, and an order of no steps unless given. */
export function restSession(parts: Partial<Session> = {}): Session {
  const state = mkdtempSync(join(tmpdir(), 'quorate-rest-'))
  const agent = (node: { name: NodeName }) =>
    ({
      node: node.name,
      read: async () => ({ facts: NodeFacts.fromPartial({ agentVersion: '0.1.0', clockUnixMs: Date.now() }) }),
    }) as unknown as Agent
  return {
    connect: () => ({ agent, close: () => {} }) as unknown as ReturnType<Session['connect']>,
    runs: runStore(join(state, 'runs')),
    leases: leaseStore(join(state, 'leases')),
    enrolled: async () => [
      {
        name: 'k8smaster1.example.com' as NodeName,
        agent: '192.168.13.30:7445',
        enrolledAt: 0,
        certificateExpiresAt: 1,
      },
    ],
    requestFolder: (run) => requestFolder({ runs: '/nowhere' }, run),
    keepBackup: async () => ({ path: '', sha256: '', bytes: 0 }),
    backupRecipient: 'age1x',
    backups: backupStore(statePaths(state)),
    version: '0.1.0',
    order: [],
    checks: [],
    proofs: [],
    ...parts,
  }
}

/** Writes a run into the session's journals: its start, `more`, and its end unless it goes on. */
export async function writeRun(session: Session, more: readonly RunEvent[] = [], end = true): Promise<RunId> {
  const id = newRunId(Date.now())
  const journal = await session.runs.create(id)
  const started = {
    kind: 'run-started',
    cluster: 'prod',
    planHash: 'aa',
    fencingToken: 1,
    version: '0.1.0',
    clusterFile,
    steps: [],
    ignored: {},
  } as const
  for (const event of [started, ...more, ...(end ? [{ kind: 'run-ended', outcome: 'done' } as const] : [])])
    await journal.append(event)
  await journal.close()
  return id
}
