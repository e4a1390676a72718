import { setMaxListeners } from 'node:events'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Absence, MissingNode } from '../../engine/absence.js'
import type { Agent } from '../../fleet/agent.js'

/** Which nodes may be missing; without the others the run stops. */
export type MayMiss = (node: NodeEntry) => boolean

/**
 * Which nodes answer. A worker that does not is set aside: the run continues without it, and its actions wait. Its agent was retried for the usual
 * time (fleet/agent-client.ts), so an agent that only restarts is not set aside. Once set aside, it stays so for this walk: a node that
 * comes and goes would otherwise be converted in part.
 */
export class RollCall implements Absence {
  readonly #mayMiss: MayMiss
  readonly #missing = new Map<string, MissingNode>()
  #changed = freshSignal()

  constructor(mayMiss: MayMiss) {
    this.#mayMiss = mayMiss
  }

  missing = (): readonly MissingNode[] => [...this.#missing.values()]

  changed = (): AbortSignal => this.#changed.signal

  answers = ({ name }: NodeEntry): boolean => !this.#missing.has(name)

  setAside({ node, message }: MissingNode): void {
    if (this.#missing.has(node)) return
    this.#missing.set(node, { node, message })
    const before = this.#changed
    this.#changed = freshSignal()
    before.abort(new QuorateError('AGENT_UNREACHABLE', message, { where: node }))
  }

  /** The agent of a node, observed: when it stops answering and may be missing, the node is set aside. */
  heard(entry: NodeEntry, agent: Agent): Agent {
    if (!this.#mayMiss(entry)) return agent
    const note = (thrown: unknown): never => {
      const error = asQuorateError(thrown, entry.name)
      const silent = error.code === 'AGENT_UNREACHABLE' && error.where === entry.name
      if (silent) this.setAside({ node: entry.name, message: error.message })
      throw thrown
    }
    return {
      node: agent.node,
      read: (method, request, options) => agent.read(method, request, options).catch(note),
      change: (method, request, call, label) => agent.change(method, request, call, label).catch(note),
      checkJoin: (request, onProgress, options) => agent.checkJoin(request, onProgress, options).catch(note),
      watchAvailability: (request, options) => agent.watchAvailability(request, options),
      holdPorts: (ports, work, options) => agent.holdPorts(ports, work, options),
      async *readBackup(...asked) {
        try {
          yield* agent.readBackup(...asked)
        } catch (error) {
          note(error)
        }
      },
    }
  }
}

// Calls to every node may listen to one signal; that is no leak.
function freshSignal(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
