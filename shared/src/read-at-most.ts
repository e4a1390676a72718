import { QuorateError } from './errors.js'

/** An open file, as far as this needs it. */
interface Readable {
  read(into: Buffer): Promise<{ readonly bytesRead: number; readonly buffer: Buffer }>
}

const chunkBytes = 16 * 1024

/**
 * The bytes of an open file; FILE_TOO_LARGE if it has more than `mostBytes`, by its size or by what is read: a file may grow meanwhile, and those
 * of /proc say that they have none.
 */
export async function readAtMost(
  handle: Readable,
  { path, size, mostBytes }: { readonly path: string; readonly size: number; readonly mostBytes: number },
): Promise<Buffer> {
  if (size > mostBytes) throw tooLarge(path, `${size} bytes`, mostBytes)
  const chunks: Buffer[] = []
  for (let taken = 0; ; ) {
    // At once, if it is as long as it says; the next read sees its end.
    const wanted = size > taken ? size - taken : chunkBytes
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted))
    if (bytesRead === 0) return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
    taken += bytesRead
    if (taken > mostBytes) throw tooLarge(path, `more than ${mostBytes} bytes`, mostBytes)
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

const tooLarge = (path: string, has: string, mostBytes: number): QuorateError =>
  new QuorateError('FILE_TOO_LARGE', `${path} has ${has}; Quorate reads at most ${mostBytes} of such a file`, {
    where: path,
  })
