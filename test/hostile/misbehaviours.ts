import { gzipSync } from 'node:zlib'
import { GetNodeFactsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { ErrorDetail } from '@quorate/shared/gen/quorate/v1/operation'
import { answers, endless, framed, type Misbehaviour, refuses, respond } from './hostile-agent.js'

/** What steers or disguises a terminal's text: CSI, OSC 8, C1, carriage return, backspace, bidirectional and zero-width marks. */
export const steering =
  '\u001b[2J\u001b]8;;https://evil.example\u0007x\u001b]8;;\u0007\u009b31m\r\u0008\u007f\u202e\u2066\u200b\u200d\ufeff\u2028'
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be shown
export const steers = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

const facts = (more: Parameters<typeof GetNodeFactsResponse.fromPartial>[0]['facts']): Uint8Array =>
  GetNodeFactsResponse.encode(
    GetNodeFactsResponse.fromPartial({ facts: { agentVersion: '0.1.0', clockUnixMs: Date.now(), ...more } }),
  ).finish()

/** `bytes` in field `field` of a message, with the length that it is said to have. */
function field(number: number, bytes: Uint8Array, length = bytes.length): Buffer {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(length)]), bytes])
}
/** NodeFacts of these bytes. */
const rawFacts = (bytes: Uint8Array): Buffer => field(1, bytes)
const clock = (varint: readonly number[]): Buffer => rawFacts(Buffer.from([3 * 8, ...varint]))

const detailed = (detail: Partial<ErrorDetail>, status = '9'): Misbehaviour =>
  refuses({
    'grpc-status': status,
    'grpc-message': 'x',
    'quorate-error-bin': Buffer.from(ErrorDetail.encode(ErrorDetail.fromPartial(detail)).finish()).toString('base64'),
  })

/** Made once: a bomb is cheap for who throws it. */
const zipped = gzipSync(Buffer.alloc(100 * 2 ** 20))
const large = rawFacts(field(30, Buffer.alloc(63 * 2 ** 20, 'x')))
/** NetworkInterfaces without anything in them. */
const empties = rawFacts(Buffer.alloc(15_000_000, Buffer.from('aa0100', 'hex')))

const decade = 10 * 365 * 86_400_000

interface Expected {
  /** Undefined: the answer is one that may be shown. */
  readonly code?: string
  readonly says?: RegExp
}

/** Every way in which an agent answers `GetNodeFacts` badly, and what the operator is told of it. */
export const misbehaviours: Readonly<Record<string, readonly [Misbehaviour, Expected]>> = {
  'never-answers': [() => undefined, { code: 'AGENT_UNREACHABLE', says: /in time/ }],
  'drips-bytes': [
    ({ stream }) => {
      respond(stream)
      const bytes = framed(facts({}), { length: 1_000_000 })
      let at = 0
      const timer = setInterval(() => stream.write(bytes.subarray(at, ++at)), 500)
      stream.on('close', () => clearInterval(timer))
    },
    { code: 'AGENT_UNREACHABLE', says: /in time/ },
  ],
  'stops-halfway': [
    ({ stream }) => {
      respond(stream)
      stream.write(framed(facts({}), { length: 1_000 }))
    },
    { code: 'AGENT_UNREACHABLE', says: /in time/ },
  ],
  'resets-streams': [({ stream }) => stream.close(2), { code: 'AGENT_UNREACHABLE' }],
  'refuses-streams': [({ stream }) => stream.close(7), { code: 'AGENT_UNREACHABLE' }],
  'goes-away': [({ session }) => session.goaway(0), { code: 'AGENT_UNREACHABLE' }],
  'cuts-connections': [({ session }) => session.destroy(), { code: 'AGENT_UNREACHABLE' }],
  'enhance-your-calm': [({ session }) => session.goaway(11), { code: 'AGENT_ANSWER_REFUSED' }],
  pings: [
    ({ session }) => {
      for (let count = 0; count < 10_000; count++) session.ping(() => undefined)
    },
    { code: 'AGENT_UNREACHABLE' },
  ],
  'informs-endlessly': [
    ({ stream }) => {
      for (let count = 0; count < 1_000; count++) stream.additionalHeaders({ ':status': 103, link: 'x' })
    },
    { code: 'AGENT_UNREACHABLE' },
  ],
  'header-bomb': [
    ({ stream }) => {
      const bomb = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x-${at}`, 'x'.repeat(500)]))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...bomb })
    },
    { code: 'AGENT_UNREACHABLE' },
  ],
  'speaks-http': [
    ({ stream }) => {
      stream.respond({ ':status': 302, location: 'https://evil.example', 'content-type': 'text/html' })
      stream.end('<script>alert(1)</script>')
    },
    { code: 'AGENT_ANSWER_REFUSED' },
  ],
  'says-nothing': [answers(new Uint8Array()), { code: 'AGENT_ANSWER_REFUSED' }],
  'says-no-message': [answers(), { code: 'AGENT_ANSWER_REFUSED' }],
  'answers-twice': [answers(facts({}), facts({})), { code: 'AGENT_UNREACHABLE' }],
  'answers-endlessly': [endless(framed(facts({}))), { code: 'AGENT_UNREACHABLE' }],
  garbage: [answers(Buffer.alloc(1_000, 0xff)), { code: 'AGENT_ANSWER_REFUSED' }],
  truncated: [answers(rawFacts(field(2, Buffer.alloc(3), 1_000))), { code: 'AGENT_ANSWER_REFUSED' }],
  'nested-groups': [answers(Buffer.alloc(5_000, 0x0b)), { code: 'AGENT_ANSWER_REFUSED' }],
  'claims-4-gib': [
    ({ stream }) => {
      respond(stream)
      stream.write(framed(new Uint8Array(10), { length: 0xffffffff }))
    },
    { code: 'AGENT_ANSWER_REFUSED' },
  ],
  '63-mib': [answers(large), { code: 'AGENT_ANSWER_REFUSED' }],
  'millions-of-messages': [answers(empties), { code: 'AGENT_ANSWER_REFUSED', says: /fields/ }],
  'gzip-bomb': [
    ({ stream }) => {
      respond(stream, { 'grpc-status': '0' }, { 'grpc-encoding': 'gzip' })
      stream.end(framed(zipped, { compressed: true }))
    },
    { code: 'AGENT_ANSWER_REFUSED' },
  ],
  'long-version': [
    answers(facts({ agentVersion: 'x'.repeat(1_000_000) })),
    { code: 'AGENT_ANSWER_REFUSED', says: /agentVersion/ },
  ],
  'clock-at-the-end': [answers(clock([...Array(8).fill(0xff), 0x7f])), { code: 'AGENT_ANSWER_REFUSED' }],
  'clock-without-date': [answers(facts({ clockUnixMs: 9e15 })), { code: 'AGENT_ANSWER_REFUSED', says: /clockUnixMs/ }],
  'clock-negative': [answers(clock([...Array(9).fill(0xff), 0x01])), {}],
  'clock-in-ten-years': [answers(facts({ clockUnixMs: Date.now() + decade })), { says: /3650|10 years|\d{6}/ }],
  'bad-utf8': [answers(rawFacts(field(2, Buffer.from('ff80c0af', 'hex')))), {}],
  'steers-the-terminal': [answers(facts({ agentVersion: `1${steering}`, kubeletVersion: steering })), {}],
  'html-version': [answers(facts({ agentVersion: '"><script>alert(1)</script>' })), {}],
  'unknown-fields': [answers(Buffer.concat([facts({}), field(9_999, Buffer.from('x'))])), {}],
  'error-long': [
    refuses({ 'grpc-status': '13', 'grpc-message': 'y'.repeat(15_000) }),
    { code: 'AGENT_ANSWER_REFUSED' },
  ],
  'error-steers': [
    refuses({ 'grpc-status': '14', 'grpc-message': encodeURIComponent(steering) }),
    { code: 'AGENT_UNREACHABLE' },
  ],
  'error-with-secret': [
    refuses({ 'grpc-status': '9', 'grpc-message': 'token: abcdef.0123456789abcdef password=hunter2hunter2' }),
    { code: 'AGENT_ANSWER_REFUSED' },
  ],
  'error-99': [refuses({ 'grpc-status': '99', 'grpc-message': 'x' }), { code: 'AGENT_ANSWER_REFUSED' }],
  'error-minus': [refuses({ 'grpc-status': '-1' }), { code: 'AGENT_ANSWER_REFUSED' }],
  'error-proto': [detailed({ code: '__proto__', message: 'm' }), { code: 'INTERNAL', says: /__proto__: m/ }],
  'error-constructor': [detailed({ code: 'constructor', message: 'm' }), { code: 'INTERNAL' }],
  'error-tostring': [detailed({ code: 'toString', message: 'm' }), { code: 'INTERNAL' }],
  'error-detail-steers': [detailed({ code: 'NODE_BUSY', message: steering, remedy: steering }), { code: 'NODE_BUSY' }],
  'error-detail-long': [
    detailed({ code: 'NODE_BUSY', message: 'z'.repeat(9_000), remedy: 'w'.repeat(2_000) }),
    { code: 'NODE_BUSY' },
  ],
  'error-detail-garbage': [
    refuses({ 'grpc-status': '9', 'grpc-message': 'x', 'quorate-error-bin': 'AAECAwQFBgc=' }),
    { code: 'AGENT_ANSWER_REFUSED' },
  ],
}

export const honest: Misbehaviour = answers(facts({ agentVersion: '7.7.7' }))
