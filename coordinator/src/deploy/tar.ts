import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** A file in a stream to a node. */
export interface TarFile {
  readonly name: string
  readonly mode: number
  readonly bytes: Uint8Array
}

const block = 512

/** Files as a piece of a POSIX tar (ustar), compressed. Pieces follow each other in one stream, so the largest is compressed once for all nodes. */
export const tarPiece = (files: readonly TarFile[]): Promise<Buffer> => compress(Buffer.concat(files.flatMap(member)))

/** What ends a stream. */
export const tarEnd = (): Promise<Buffer> => compress(Buffer.alloc(2 * block))

const compress = promisify<Uint8Array, Buffer>(gzip)

function member({ name, mode, bytes }: TarFile): Uint8Array[] {
  const header = Buffer.alloc(block)
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0')
  header.write(name, 0)
  header.write(octal(mode, 7), 100)
  for (const at of [108, 116]) header.write(octal(0, 7), at) // owner and group: root
  header.write(octal(bytes.length, 11), 124)
  header.write(octal(0, 11), 136) // no time: the same files are the same bytes
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\u0000 `, 148)
  return [header, bytes, Buffer.alloc((block - (bytes.length % block)) % block)]
}
