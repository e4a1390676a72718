import { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { type DenyList, keyOf } from '@quorate/shared/deny-list'
import { type ErrorCode, QuorateError } from '@quorate/shared/errors'
import type { Agent, ReadOptions } from './agent.js'

/** The newest list of revoked keys, with the text that nodes are given; undefined where nothing was revoked. */
export type NewestDenyList = () => Promise<(DenyList & { readonly document: string }) | undefined>

/** The node has a newer list, or its agent knows of none: it is not asked again. */
const refusals: ReadonlySet<ErrorCode> = new Set(['DENY_LIST_REFUSED', 'INVALID_REQUEST'])
const away: ReadonlySet<ErrorCode> = new Set(['AGENT_UNREACHABLE', 'AGENT_UNTRUSTED'])

/**
 * Keeps a fleet's connections from nodes whose key was revoked, and gives every node that it reads the newest list first. So a node that was away when a
 * key was revoked gets the list with whatever command talks to it next.
 */
export class PeerGuard {
  readonly #newest: NewestDenyList
  #list: Awaited<ReturnType<NewestDenyList>>
  /** Of each node, the key that it showed last. */
  readonly #shown = new Map<string, string>()
  /** By node and number of the list. */
  readonly #given = new Map<string, Promise<void>>()

  constructor(newest: NewestDenyList) {
    this.#newest = newest
  }

  /** For the handshake: why the peer is not this node, or its key counts no more. */
  checkPeer = (node: string, certificate: PeerCertificate): Error | undefined => {
    const wrong = checkServerIdentity(node, certificate)
    if (wrong !== undefined) return wrong
    this.#shown.set(node, keyOf(new X509Certificate(certificate.raw)))
    return this.#isRevoked(node) ? new Error('the key of its certificate was revoked') : undefined
  }

  /** NODE_REVOKED for a node whose connection shows a revoked key. A list that another command has just made counts. */
  async require(node: string): Promise<void> {
    this.#list = await this.#newest()
    if (this.#isRevoked(node)) throw revoked(node)
  }

  /** What a call failed with; a handshake that this guard refused is named so. */
  explained(node: string, error: unknown): unknown {
    const isOurs = error instanceof QuorateError && error.code === 'AGENT_UNTRUSTED' && this.#isRevoked(node)
    return isOurs ? revoked(node, error) : error
  }

  /**
   * Gives the list to a node, once, before it is read: a node that is away fails here as the read would. What the node says of the list,
   * `quorate nodes` shows.
   */
  give(agent: Agent, options: ReadOptions | undefined): Promise<void> {
    const list = this.#list
    if (list === undefined) return Promise.resolve()
    const once = `${agent.node} ${list.number}`
    const given =
      this.#given.get(once) ??
      agent.read('keepDenyList', { document: list.document }, options).then(
        () => undefined,
        (error: unknown) => {
          if (!(error instanceof QuorateError) || !refusals.has(error.code)) this.#given.delete(once)
          if (error instanceof QuorateError && away.has(error.code)) throw error
        },
      )
    this.#given.set(once, given)
    return given
  }

  #isRevoked(node: string): boolean {
    const shown = this.#shown.get(node)
    return this.#list?.denied.some(({ sha256 }) => sha256 === shown) ?? false
  }
}

/** An agent behind the guard. */
export function guarded(agent: Agent, guard: PeerGuard): Agent {
  const { node } = agent
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    await guard.require(node)
    return work().catch((error: unknown) => Promise.reject(guard.explained(node, error)))
  }
  async function* stream<T>(open: () => AsyncIterable<T>): AsyncIterable<T> {
    await guard.require(node)
    try {
      yield* open()
    } catch (error) {
      throw guard.explained(node, error)
    }
  }
  return {
    node,
    read: (method, request, options) =>
      call(async () => {
        if (method !== 'keepDenyList') await guard.give(agent, options)
        return agent.read(method, request, options)
      }),
    change: (...asked) => call(() => agent.change(...asked)),
    checkJoin: (...asked) => call(() => agent.checkJoin(...asked)),
    holdPorts: (...asked) => call(() => agent.holdPorts(...asked)),
    watchAvailability: (...asked) => stream(() => agent.watchAvailability(...asked)),
    readBackup: (...asked) => stream(() => agent.readBackup(...asked)),
  }
}

const revoked = (node: string, cause?: unknown) =>
  new QuorateError('NODE_REVOKED', 'the key that this node shows was revoked: this coordinator does not talk to it', {
    where: node,
    cause,
    remedy: `To use the node again, give it a new key: \`quorate enroll ${node} --address HOST --bundle ./${node}\`, copy the folder to /etc/quorate there, restart quorate-agent.`,
  })
