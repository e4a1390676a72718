import type { FastifyReply } from 'fastify'
import { type DrillRequest, drillTimes } from '../../runs/drill/plan-drill.js'
import { scenarios } from '../../runs/drill/scenarios.js'
import type { RestParts } from './parts.js'

/** JSON Schemas of what requests for plans and runs have in common. */
export const clusterFileText = { type: 'string', description: 'Text of the cluster file (YAML).' } as const
export const planHashText = { type: 'string', minLength: 1, description: 'Hash of the plan that was read.' } as const

/** A cluster file as JSON, or the file itself: `curl --data-binary @cluster.yaml -H 'content-type: application/yaml'`. */
export const clusterFileBody = {
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { clusterFile: clusterFileText },
        required: ['clusterFile'],
        additionalProperties: false,
      },
    },
    'application/yaml': { schema: { type: 'string' } },
  },
} as const

/** What starts a run: the cluster file, and the plan of it that was read. */
export interface StartBody {
  readonly clusterFile: string
  readonly planHash: string
}

export const startBody = {
  type: 'object',
  properties: { clusterFile: clusterFileText, planHash: planHashText },
  required: ['clusterFile', 'planHash'],
  additionalProperties: false,
} as const

/** The text of the cluster file in such a body. */
export function clusterFileIn(body: unknown): string {
  const sent = body as string | { readonly clusterFile: string }
  return typeof sent === 'string' ? sent : sent.clusterFile
}

/** What a drill does, as the options of `quorate drill`. */
export interface DrillWish extends Partial<Pick<DrillRequest, 'downSeconds' | 'restoreAfterSeconds'>> {
  readonly only?: readonly string[]
  readonly coldStart?: boolean
  readonly abrupt?: boolean
}

const seconds = ({ least, most, usual }: (typeof drillTimes)[keyof typeof drillTimes]) =>
  ({ type: 'integer', minimum: least, maximum: most, default: usual }) as const

export const drillWish = {
  type: 'object',
  description: 'The options of a drill; what is left out is as with `quorate drill`.',
  properties: {
    only: {
      type: 'array',
      items: { type: 'string', enum: scenarios.map(({ id }) => id) },
      minItems: 1,
      description: 'Scenarios; all but the cold start unless given.',
    },
    coldStart: {
      type: 'boolean',
      default: false,
      description: 'Finally stop all control planes at once: the cluster is down meanwhile.',
    },
    downSeconds: { ...seconds(drillTimes.downSeconds), description: 'How long each part stays down.' },
    restoreAfterSeconds: {
      ...seconds(drillTimes.restoreAfterSeconds),
      description: 'When the node restarts the part on its own.',
    },
    abrupt: { type: 'boolean', default: false, description: 'Stop each part abruptly, as in a fault.' },
  },
  additionalProperties: false,
} as const

/** The drill that such a request means. */
export const drillOf = (about: Pick<DrillRequest, 'file' | 'fileText'>, wish: DrillWish = {}): DrillRequest => ({
  downSeconds: drillTimes.downSeconds.usual,
  restoreAfterSeconds: drillTimes.restoreAfterSeconds.usual,
  ...wish,
  ...about,
})

/** Aborted when the client is gone or the server closes: the proofs of a plan end then. */
export function whileAsked({ closing }: RestParts, reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return AbortSignal.any([gone.signal, closing])
}
