import { randomInt } from 'node:crypto'

const headerBytes = 12
/** RFC 1035, section 4.1: a question for an address (A), class IN, recursion desired. */
export function dnsQuestion(name: string): { readonly id: number; readonly bytes: Buffer } {
  const id = randomInt(0x10000)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  const labels = name
    .split('.')
    .filter((label) => label !== '')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  return { id, bytes: Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]) }
}

const refusals: Readonly<Record<number, string>> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED' }

/** Why a response is no valid answer; undefined for a valid one, including "no such name". `unrelated` answers another question. */
export function dnsProblem(answer: Buffer, id: number): string | undefined {
  if (answer.length < headerBytes || answer.readUInt16BE(0) !== id || (answer.readUInt8(2) & 0x80) === 0)
    return 'unrelated'
  return refusals[answer.readUInt8(3) & 0x0f]
}
