import { Server } from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import type { Log } from '@quorate/shared/log'
import type { MutualTlsIdentity } from '@quorate/shared/mtls'
import type { DenyList } from '../host/deny-list.js'
import type { Tools } from '../ops/context/tools.js'
import type { Operations } from '../ops/operations.js'
import { isRevoked } from './access.js'
import { type CallAudit, unrecorded } from './call-audit.js'
import { ChangeRunner } from './change-runner.js'
import type { Ledger } from './ledger.js'
import { createHandlers } from './operation-call.js'
import { readableRequests } from './readable-requests.js'
import { resumeInterrupted } from './resume-interrupted.js'
import { listenSecurely, type SecureListener } from './secure-listener.js'

export interface ServeOptions {
  /** `IP:port`; port 0 means any free one. */
  readonly listen: string
  readonly identity: MutualTlsIdentity
  readonly operations: Partial<Operations>
  readonly tools: Tools
  readonly ledger: Ledger
  /** Unset: calls are not recorded. */
  readonly calls?: CallAudit
  readonly log: Log
  readonly busyWaitMs?: number
  /** Receives the operations of an earlier agent that are followed again; awaited before anything runs. */
  readonly beforeResume?: (operationIds: readonly string[]) => Promise<void>
}

export interface Serving {
  readonly port: number
  /**
   * Answers UNAVAILABLE to new changes, waits at most `graceMs` for the running one to be recorded, then closes every
   * connection. What runs as a systemd unit continues without this agent.
   */
  stop(graceMs: number): Promise<void>
}

/** A chunk of a backup or a node's facts; far above both. */
const largestMessageBytes = 16 * 1024 * 1024

/** For the error that says why to arrive. */
const refusedGraceMs = 500

/** A coordinator has a dozen calls under way with one agent (watch, held ports, a change, facts); more of them wait their turn in the client. */
const mostStreamsOfOneConnection = 100

/** Serves the operations by gRPC to holders of a certificate of the fleet. Throws PORT_IN_USE if it cannot listen. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { listen, identity, ledger, tools, log, busyWaitMs, calls = unrecorded } = options
  const changes = new ChangeRunner({ ledger, tools, log, ...(busyWaitMs === undefined ? {} : { busyWaitMs }) })
  const { operations, beforeResume } = options
  await resumeInterrupted({ ledger, changes, operations, tools, log, beforeResume })
  const server = new Server({
    'grpc.max_receive_message_length': largestMessageBytes,
    'grpc.max_send_message_length': largestMessageBytes,
    // A coordinator whose machine vanished must not hold ports (HoldPorts) until its deadline.
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_concurrent_streams': mostStreamsOfOneConnection,
  })
  server.addService(readableRequests, createHandlers({ ...options, changes, calls }))
  const listener = await bind(server, listen, identity)
  tools.identity.onRenewed((renewed, { gaveUpRoot }) => {
    listener.use(renewed)
    // Which root an open connection came by is not known any more.
    if (gaveUpRoot) listener.endOpen(refusedGraceMs)
  })
  const leave = endRevoked(listener, tools.denyList)
  return {
    port: listener.port,
    stop: async (graceMs) => {
      await changes.stop(graceMs)
      leave()
      listener.close()
      await shutDown(server)
      await calls.close()
      await ledger.close()
    },
  }
}

async function bind(server: Server, listen: string, identity: MutualTlsIdentity): Promise<SecureListener> {
  try {
    return await listenSecurely(server, listen, identity)
  } catch (error) {
    throw new QuorateError('PORT_IN_USE', `the agent cannot listen on ${listen}: ${(error as Error).message}`, {
      remedy: 'Stop the program that listens there, or change `listen` in agent.yaml.',
      cause: error,
    })
  }
}

/** A caller that does not read is not told why its streams end: a moment later its connections end. */
function endRevoked(listener: SecureListener, denyList: DenyList): () => void {
  return denyList.onNewer(() => {
    const end = () => listener.end((certificate) => isRevoked(certificate, denyList))
    setTimeout(end, refusedGraceMs).unref()
  })
}

/** Pending answers get a moment; a caller with an open stream does not keep the agent running. */
function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), 1000)
    server.tryShutdown(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
