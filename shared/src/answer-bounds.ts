import { BinaryReader } from '@bufbuild/protobuf/wire'
import {
  type ChannelCredentials,
  type ClientOptions,
  type MethodDefinition,
  makeGenericClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { refusePushes } from './refuse-pushes.js'

refusePushes()

/** The most that one answer may have: bytes on the wire, and fields, because an empty message of two bytes becomes an object of hundreds. */
interface Size {
  readonly bytes: number
  readonly fields: number
}

const mebibyte = 2 ** 20
const usual: Size = { bytes: 4 * mebibyte, fields: 100_000 }
/** One message of a stream: progress, a result, a piece of a backup. Results go into the journal. */
const streamed: Size = { bytes: mebibyte, fields: 20_000 }

/** Answers that are larger in a large cluster. An agent sends at most 16 MiB. */
const larger: Readonly<Record<string, Size>> = {
  GetNodeFacts: { bytes: 16 * mebibyte, fields: 400_000 },
  GetClusterFacts: { bytes: 16 * mebibyte, fields: 1_000_000 },
  // Every joiner gets its own sealed copy of the shared files.
  SealSharedFiles: { bytes: 16 * mebibyte, fields: 20_000 },
}

/** All sizes, for docs/threat-model.md. */
export const answerSizes: Readonly<Record<string, Size>> = {
  'an answer': usual,
  'a message of a stream': streamed,
  ...larger,
}

const sizeOf = (path: string, isStream: boolean): Size =>
  larger[path.slice(path.lastIndexOf('/') + 1)] ?? (isStream ? streamed : usual)

/** Milliseconds of the years 1 and 9999: what is outside has no date that can be written. */
const [firstYear, lastYear] = [-62_135_596_800_000, 253_402_300_799_999]

/** What a field may hold, by the kind that its name says; the first that fits. */
const texts: readonly { readonly of: RegExp; readonly characters: number }[] = [
  {
    of: /^(?:hostname|node|name|namespace|id|uid|machineId|productUuid|serial|state|method|code|reached)$/,
    characters: 4_096,
  },
  { of: /[vV]ersion$|[sS]ha256|^(?:clusterId|containerRuntime|criSocket|os|kernel)$/, characters: 4_096 },
  { of: /^(?:message|summary|remedy|error|problem)$/, characters: 64 * 1024 },
  { of: /^/, characters: 4 * mebibyte },
]
const numbers: readonly { readonly of: RegExp; readonly from: number; readonly to: number }[] = [
  { of: /UnixMs$/, from: firstYear, to: lastYear },
  // The exit code of a unit, and of a signal.
  { of: /^unitExit$/, from: -(2 ** 31), to: 2 ** 31 },
  { of: /^/, from: 0, to: Number.MAX_SAFE_INTEGER },
]
const mostItems = 100_000
const longestKey = 4_096

interface ClientOf<C> {
  new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>): C
  readonly service: ServiceDefinition
  readonly serviceName: string
}

/**
 * The same client, which refuses every answer that no honest server sends, before it becomes objects: too many bytes or fields, texts, numbers
 * and times outside of their kind's bounds. The call fails with what was wrong.
 */
export function boundedClient<C>({ service, serviceName }: ClientOf<C>): ClientOf<C> {
  const methods = Object.entries(service).map(([name, method]) => [name, boundedMethod(method)] as const)
  return makeGenericClientConstructor(Object.fromEntries(methods), serviceName) as unknown as ClientOf<C>
}

// biome-ignore lint/suspicious/noExplicitAny: of any request and answer
function boundedMethod(method: MethodDefinition<any, any>): MethodDefinition<any, any> {
  const size = sizeOf(method.path, method.responseStream)
  const responseDeserialize = (bytes: Buffer): unknown => {
    if (bytes.length > size.bytes) throw new Error(`${bytes.length} bytes, more than ${size.bytes}`)
    // The generated decoders take a reader as well as bytes.
    const answer: unknown = method.responseDeserialize(new CountingReader(bytes, size.fields) as unknown as Buffer)
    requirePlain(answer)
    return answer
  }
  return { ...method, responseDeserialize }
}

/** Stops where a message has more fields than it may have. */
class CountingReader extends BinaryReader {
  constructor(bytes: Uint8Array, most: number) {
    super(bytes)
    const read = this.uint32
    // A tag, and a length, is one; each is read by it.
    let left = 2 * most
    this.uint32 = () => {
      if (--left < 0) throw new Error(`more than ${most} fields`)
      return read.call(this)
    }
  }
}

/** Holds each value of an answer to the bounds of its kind. Not recursive: a stack has an end. */
function requirePlain(answer: unknown): void {
  const open: (readonly [string, unknown])[] = [['', answer]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [name, value] = next
    if (typeof value === 'string') requireText(name, value)
    else if (typeof value === 'number') requireNumber(name, value)
    else if (Array.isArray(value)) {
      if (value.length > mostItems) throw new Error(`${name} has ${value.length} entries, more than ${mostItems}`)
      for (const item of value) open.push([name, item])
    } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      for (const [key, item] of Object.entries(value)) {
        if (key.length > longestKey) throw new Error(`${name} has a key of ${key.length} characters`)
        open.push([key, item])
      }
    }
  }
}

function requireText(name: string, text: string): void {
  const most = texts.find(({ of }) => of.test(name))?.characters ?? 0
  if (text.length > most) throw new Error(`${name} has ${text.length} characters, more than ${most}`)
}

function requireNumber(name: string, value: number): void {
  const { from, to } = numbers.find(({ of }) => of.test(name)) ?? { from: 0, to: 0 }
  if (!(value >= from && value <= to)) throw new Error(`${name} is ${value}, not from ${from} to ${to}`)
}
