import { type Clock, systemClock } from '@quorate/shared/clock'
import pLimit from 'p-limit'
import type { Fleet } from './fleet.js'

const questionsAtOnce = 2
/** Of the time that an answer took; at most so long, where a node answers slowly. */
const rests = 4
const longestRestMs = 2_000

/**
 * A fleet whose nodes are asked two questions at a time, all nodes together, each followed by a rest of four times the time that its answer took:
 * for a look while a run works on them. Nodes and coordinator keep most of their time for the run; the look takes some times as long.
 */
export function gently(fleet: Fleet, clock: Clock = systemClock): Fleet {
  const limit = pLimit(questionsAtOnce)
  const end = new AbortController()
  const rest = (ms: number) => clock.sleep(Math.min(ms, longestRestMs), end.signal).catch(() => {})
  return {
    agent(node) {
      const agent = fleet.agent(node)
      return {
        ...agent,
        read: (...question) =>
          new Promise((resolve, reject) => {
            void limit(async () => {
              const began = clock.now()
              await agent.read(...question).then(resolve, reject)
              await rest(rests * (clock.now() - began))
            })
          }),
      }
    },
    close() {
      end.abort()
      fleet.close()
    },
  }
}
