import { join } from 'node:path'
import { type AnyDefinition, loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import fc, { type GeneratorValue } from 'fast-check'
import { checkRequest } from '../../agent/src/server/requests.js'
import { hostileTexts } from '../support/hostile-texts.js'
import { ordinaryNumbers, ordinaryTexts } from './ordinary-values.js'

const protos = join(import.meta.dirname, '../../proto')
const loaded = loadSync('quorate/v1/node_agent.proto', { includeDirs: [protos], keepCase: false })
const service = loaded['quorate.v1.NodeAgentService'] as ServiceDefinition

export type MethodName = keyof typeof NodeAgentServiceService
/** Every operation of the .proto: a new one is fuzzed without being named here. */
export const methodNames = Object.keys(NodeAgentServiceService) as MethodName[]

interface Field {
  readonly name: string
  readonly type: string
  readonly label: string
  readonly typeName: string
}

type Leaf = (field: Field, message: string) => unknown

/** How a request is meant: passing the checks at the door, with one field that is not, with none that is, or not a request at all. */
const kinds = ['valid', 'valid', 'valid', 'one-hostile', 'one-hostile', 'all-hostile', 'damaged'] as const
type RequestKind = (typeof kinds)[number]

interface MadeRequest {
  readonly kind: RequestKind
  readonly bytes: Buffer
}

const fieldsOf = (message: string): readonly Field[] =>
  (loaded[`quorate.v1.${message}`] as MessageTypeDefinition<object, object>).type['field' as never] as Field[]
const enumNumbers = (name: string): number[] => {
  const { type } = loaded[`quorate.v1.${name}`] as AnyDefinition & { type: { value: { number: number }[] } }
  return type.value.map(({ number }) => number)
}
const oneOf = <T>(g: GeneratorValue, values: readonly T[]): T => g(() => fc.constantFrom(...values))
const messageOf = ({ typeName }: Field): string => typeName.split('.').at(-1) ?? ''

const hostileWords = [
  '',
  '../../../etc/shadow',
  '/etc/passwd',
  '/etc/kubernetes/../shadow',
  '/etc/kubernetes/out/passwd',
  '/proc/self/environ',
  '--config=/etc/shadow',
  '$(touch /etc/owned)',
  '`id`',
  'a\nb: c',
  'a\r\nb',
  '\0',
  '\u202e',
  '\ud800',
  '%s%n',
  '{{.}}',
  '*',
  '__proto__',
  'constructor',
  'NaN',
  '1e309',
  '999.999.999.999',
  '[::1]:99999',
  'all',
]
const hostileNumbers = ['-9223372036854775808', '18446744073709551615', -1, 0, 65_536, 2 ** 31, 2 ** 53, 4_294_967_295]

const hostileText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...hostileWords) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...Object.values(hostileTexts)), fc.constantFrom(20, 300, 5000, 300_000))
      .map(([make, bytes]) => make(bytes)),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 50 }) },
)

function hostileLeaf(g: GeneratorValue, field: Field): unknown {
  switch (field.type) {
    case 'TYPE_STRING':
      return g(() => hostileText)
    case 'TYPE_BYTES':
      return Buffer.from(g(fc.uint8Array, { maxLength: 3000 }))
    case 'TYPE_BOOL':
      return g(fc.boolean)
    case 'TYPE_ENUM':
      return oneOf(g, [...enumNumbers(messageOf(field)), 99, -1, 2 ** 31 - 1])
    default:
      return oneOf(g, hostileNumbers)
  }
}

function ordinaryLeaf(g: GeneratorValue, field: Field): unknown {
  switch (field.type) {
    case 'TYPE_STRING':
      return oneOf(g, ordinaryTexts)
    case 'TYPE_BYTES':
      return Buffer.from(g(fc.uint8Array, { minLength: 1, maxLength: 300 }))
    case 'TYPE_BOOL':
      return g(fc.boolean)
    case 'TYPE_ENUM':
      return oneOf(g, enumNumbers(messageOf(field)))
    default:
      return oneOf(g, ordinaryNumbers)
  }
}

/** A message with every field, each by `leaf`; lists of up to three, nested messages absent now and then where they need not be there. */
function build(g: GeneratorValue, message: string, leaf: Leaf, needed: ReadonlySet<string>): Record<string, unknown> {
  const one = (field: Field): unknown =>
    field.type === 'TYPE_MESSAGE' ? build(g, messageOf(field), leaf, needed) : leaf(field, message)
  return Object.fromEntries(
    fieldsOf(message).flatMap((field): [string, unknown][] => {
      if (field.label === 'LABEL_REPEATED')
        return [[field.name, Array.from({ length: g(fc.integer, { min: 0, max: 3 }) }, () => one(field))]]
      if (field.type === 'TYPE_MESSAGE' && !needed.has(field.name) && g(fc.integer, { min: 0, max: 3 }) === 0) return []
      return [[field.name, one(field)]]
    }),
  )
}

const inputOf = (method: MethodName): MessageTypeDefinition<object, object> & { encode(value: object): Buffer } => {
  const written = service[method.slice(0, 1).toUpperCase() + method.slice(1)]
  if (written === undefined) throw new Error(`not in the .proto: ${method}`)
  return Object.assign(written.requestType as MessageTypeDefinition<object, object>, {
    encode: (value: object) => written.requestSerialize(value),
  })
}
const nameOfInput = (method: MethodName): string => (inputOf(method).type as { name: string }).name

/** Values that the checks at the door have accepted, by operation and field. */
const accepted = new Map<string, Set<unknown>>()

/** The field of a request that the door refuses, by what it says of it; undefined where it accepts the request. */
function refusedField(method: MethodName, bytes: Buffer): string | undefined {
  try {
    checkRequest(method, NodeAgentServiceService[method].requestDeserialize(bytes) as never)
    return undefined
  } catch (error) {
    return [...(error as Error).message.matchAll(/(\w+) must be/g)].at(-1)?.[1] ?? ''
  }
}

/** Looks for values that the door accepts: what it refuses is drawn again, until nothing is refused or it is given up. */
function validRequest(g: GeneratorValue, method: MethodName): Record<string, unknown> {
  const drawn = new Map<string, unknown>()
  const needed = new Set<string>()
  const leaf: Leaf = (field) => {
    const known = [...(accepted.get(`${method} ${field.name}`) ?? [])]
    const fresh = known.length > 0 && g(fc.integer, { min: 0, max: 9 }) > 1 ? oneOf(g, known) : undefined
    const value = drawn.get(field.name) ?? fresh ?? ordinaryLeaf(g, field)
    drawn.set(field.name, value)
    return value
  }
  for (let tries = 0; ; tries++) {
    const request = build(g, nameOfInput(method), leaf, needed)
    const refused = refusedField(method, inputOf(method).encode(request))
    if (refused === undefined) {
      for (const [name, value] of drawn) {
        const key = `${method} ${name}`
        accepted.set(key, (accepted.get(key) ?? new Set()).add(value))
      }
      return request
    }
    if (tries === 600) return request
    drawn.delete(refused)
    needed.add(refused)
  }
}

/** An id that no other request has, one cluster, and a token that no fence is above: otherwise few changes would begin. */
function withOwnHeader(request: Record<string, unknown>, operationId: string): Record<string, unknown> {
  const { header } = request
  if (typeof header !== 'object') return request
  return { ...request, header: { ...header, operationId, cluster: 'prod', fencingToken: Number.MAX_SAFE_INTEGER } }
}

/** The same request with one leaf that is hostile; the header stays, or no change would begin. */
function withOneHostile(g: GeneratorValue, method: MethodName, request: Record<string, unknown>) {
  const fields = fieldsOf(nameOfInput(method)).filter(({ name }) => name !== 'header')
  if (fields.length === 0) return request
  const field = oneOf(g, fields)
  const one =
    field.type === 'TYPE_MESSAGE'
      ? build(g, messageOf(field), (each) => (g(fc.boolean) ? hostileLeaf(g, each) : ordinaryLeaf(g, each)), new Set())
      : hostileLeaf(g, field)
  return { ...request, [field.name]: field.label === 'LABEL_REPEATED' ? [one] : one }
}

function damagedBytes(g: GeneratorValue, bytes: Buffer): Buffer {
  const at = g(fc.integer, { min: 0, max: bytes.length })
  const insert = Buffer.from(g(fc.uint8Array, { maxLength: 12 }))
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + g(fc.integer, { min: 0, max: 4 }))])
}

/** The request of one seed, as bytes: what the generated code would refuse to write is sent too. */
export function requestOf(method: MethodName, seed: number): MadeRequest {
  const [g] = fc.sample(fc.gen(), { seed, numRuns: 1 })
  if (g === undefined) throw new Error('no generator')
  const kind = oneOf(g, kinds)
  if (kind === 'all-hostile') {
    const all = build(g, nameOfInput(method), (field) => hostileLeaf(g, field), new Set())
    return { kind, bytes: inputOf(method).encode(all) }
  }
  const valid = withOwnHeader(validRequest(g, method), `f-${seed}-${method.toLowerCase()}`)
  const request = kind === 'one-hostile' ? withOneHostile(g, method, valid) : valid
  const bytes = inputOf(method).encode(request)
  return { kind, bytes: kind === 'damaged' ? damagedBytes(g, bytes) : bytes }
}
