import type { NodeEntry } from '@quorate/coordinator/config/cluster-file'
import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import type { Action, DoneAction } from '@quorate/coordinator/engine/step'
import type { Agent, ChangeCall } from '@quorate/coordinator/fleet/agent'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { paperAnswers } from './answers.js'
import { takeEffect } from './effects.js'
import { readingAgent, runOver } from './reads.js'
import { type Asked, nodeName, type PaperNode, PaperState } from './state.js'

/**
 * A cluster on paper: facts as real clusters of the fixtures have them, and of each operation only its effect on facts. It shows what the
 * steps decide and ask for; that agents do it is for the tests with real agents.
 */
export class PaperCluster extends PaperState {
  /** Answers before the effect: throws what the operation shall fail with. */
  failing: (asked: Asked) => void = () => undefined
  kubeadmErrors: string[] = []

  run(): ConversionRun {
    return runOver('20261122t120000-abcdef', this.file, (node) => this.agent(node))
  }

  /** Methods that were asked for on a node, in order. */
  methods(short: string): string[] {
    return this.asked.filter(({ node }) => node === nodeName(short)).map(({ method }) => method)
  }

  agent(node: NodeEntry): Agent {
    const agent: Agent = {
      ...readingAgent(this.world, node.name, paperAnswers(this, this.nodes.get(node.name) as PaperNode)),
      change: (async (method: string, request: Record<string, unknown>, call: ChangeCall, label = '') => {
        const asked = { node: node.name, method, request }
        return call.operation({ agent, method: method as never, label }, async () => {
          this.asked.push(asked)
          this.failing(asked)
          return OperationResult.fromPartial(takeEffect(this, asked) ?? {})
        })
      }) as never,
      checkJoin: async () => ({ errors: this.kubeadmErrors, warnings: [] }),
      watchAvailability: async function* ({ targets }, { signal } = {}) {
        while (signal?.aborted !== true) {
          const seen = targets.map(({ name: target }) => ({
            ...{ name: target, asked: 5, failed: 0, longestGapMs: 60, openGapMs: 0, stalledMs: 0, outages: [] },
          }))
          yield { atUnixMs: Date.now(), seen }
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      },
      readBackup: async function* () {
        yield new Uint8Array(5_000)
      },
    }
    return agent
  }
}

/** A call as the engine makes it, that keeps what was done. */
export function paperCall(done: DoneAction['results'] = []): ChangeCall & { readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    async operation({ agent, label }, send) {
      const result = await send({ operationId: label, runId: 'r', cluster: 'paper', fencingToken: 1 })
      ;(done as { node: string; label: string; result: OperationResult }[]).push({ node: agent.node, label, result })
      return result
    },
    progress: (line) => lines.push(line),
    signal: new AbortController().signal,
  }
}

/** A done action for an undo. */
export const doneAction = (action: Action, results: DoneAction['results'] = []): DoneAction => ({ action, results })
