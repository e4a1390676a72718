import { type Client, type ServiceError, status } from '@grpc/grpc-js'
import { catalogue } from '@quorate/shared/errors'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import { ErrorDetail } from '@quorate/shared/gen/quorate/v1/operation'
import { errorMetadataName } from '../../agent/src/server/status.js'
import { type Round, Tally } from './found.js'
import { FuzzedNode } from './fuzzed-node.js'
import { type MethodName, methodNames, requestOf } from './requests.js'

interface RpcOptions {
  readonly seed: number
  /** Of each operation. */
  readonly cases: number
  readonly until?: () => boolean
  /** A part of the name. */
  readonly only?: string
}

/** How long an answer is waited for. What watches, or waits for the node, goes on longer: its node is left behind then. */
const patienceMs = 1500
const stillRunning = 'still running'

const asIs = (bytes: Buffer): Buffer => bytes

/** One call to its end: ok, or the error. */
function call(client: Client, method: MethodName, bytes: Buffer): Promise<ServiceError | undefined> {
  const { path, responseStream } = NodeAgentServiceService[method]
  const options = { deadline: Date.now() + patienceMs }
  return new Promise((resolve) => {
    if (!responseStream) {
      client.makeUnaryRequest(path, asIs, asIs, bytes, options, (error) => resolve(error ?? undefined))
      return
    }
    const stream = client.makeServerStreamRequest(path, asIs, asIs, bytes, options)
    stream.on('data', () => undefined)
    stream.on('error', (error: ServiceError) => resolve(error))
    stream.on('end', () => resolve(undefined))
  })
}

/** The name of an answer, or why there is none that the table has. */
function answerOf(error: ServiceError | undefined): { answer: string } | { why: string } {
  if (error === undefined) return { answer: 'ok' }
  const [bytes] = error.metadata?.get(errorMetadataName) ?? []
  if (bytes instanceof Buffer) {
    const { code, message } = ErrorDetail.decode(bytes)
    return code !== 'INTERNAL' && Object.hasOwn(catalogue, code) ? { answer: code } : { why: `${code}: ${message}` }
  }
  if (error.code === status.DEADLINE_EXCEEDED) return { answer: stillRunning }
  return { why: `gRPC status ${error.code} without an error of the table: ${error.details}` }
}

const toldFolders = (method: MethodName, bytes: Buffer): string[] => {
  try {
    const { folders, header } = NodeAgentServiceService[method].requestDeserialize(bytes) as unknown as {
      folders?: object
      header?: { folders?: object }
    }
    return Object.values(folders ?? header?.folders ?? {}).filter((folder) => folder !== '')
  } catch {
    return []
  }
}

/** One request: its answer, what the agent says of a bug, and files elsewhere that changed. */
async function tryRequest(node: FuzzedNode, method: MethodName, seed: number, tally: Tally): Promise<string> {
  const request = requestOf(method, seed)
  const error = await call(node.client, method, request.bytes)
  const seen = answerOf(error)
  const answer = 'answer' in seen ? seen.answer : 'bug'
  tally.count(method, answer)
  const changed = node.changedElsewhere(toldFolders(method, request.bytes))
  const problems = [
    ...('why' in seen ? [seen.why] : []),
    ...node.defects.splice(0),
    ...(changed.length > 0 ? [`changed ${changed.join(', ')}`] : []),
  ]
  for (const why of problems) tally.find({ subject: method, seed, why: `${request.kind}: ${why}` })
  return answer
}

/** Every operation with requests made from the .proto, against a whole agent. */
export async function fuzzRpcs({ seed, cases, until = () => false, only = '' }: RpcOptions): Promise<Round> {
  const tally = new Tally()
  const methods = methodNames.filter((name) => name.includes(only))
  if (methods.length === 0) return tally.round
  let last = ''
  // What an operation left behind may throw while a later one is under way.
  const unhandled = (error: unknown): void => {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    tally.find({ subject: 'the process', seed, why: `during ${last}: ${why}` })
  }
  process.on('unhandledRejection', unhandled).on('uncaughtException', unhandled)
  let node = await FuzzedNode.start()
  try {
    for (let index = 0; index < cases; index++)
      for (const method of methods) {
        if (until()) return tally.round
        last = `${method}, --seed ${seed + index}`
        if ((await tryRequest(node, method, seed + index, tally)) !== stillRunning) continue
        await node.stop()
        node = await FuzzedNode.start()
      }
    return tally.round
  } finally {
    await node.stop()
    process.off('unhandledRejection', unhandled).off('uncaughtException', unhandled)
  }
}
