import { QuorateError } from '@quorate/shared/errors'

/** A file in an archive. `path` is relative and normalised; plain `tar` can extract it. */
export interface ArchivedFile {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly bytes: Uint8Array
}

const blockSize = 512
const nameLength = 100
const prefixLength = 155

/** Offsets and lengths of the fields of a ustar header (POSIX.1-1988, pax(1)). */
const field = {
  name: [0, nameLength],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, prefixLength],
} as const
type Field = keyof typeof field

const regularFile = '0'

/** A ustar archive, the same bytes for the same files: no times, sorted by path. */
export function* writeArchive(files: readonly ArchivedFile[]): Generator<Uint8Array> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const file of sorted) {
    yield header(file)
    yield file.bytes
    yield Buffer.alloc((blockSize - (file.bytes.length % blockSize)) % blockSize)
  }
  yield Buffer.alloc(2 * blockSize)
}

function header(file: ArchivedFile): Buffer {
  const block = Buffer.alloc(blockSize)
  const put = (name: Field, text: string): void => void block.write(text, field[name][0], field[name][1], 'utf8')
  const octal = (name: Field, value: number): void => put(name, value.toString(8).padStart(field[name][1] - 1, '0'))
  const { name, prefix } = splitPath(file.path)
  put('name', name)
  put('prefix', prefix)
  octal('mode', file.mode)
  octal('uid', file.uid)
  octal('gid', file.gid)
  octal('size', file.bytes.length)
  octal('mtime', 0)
  put('type', regularFile)
  put('magic', 'ustar\u000000')
  put('checksum', `${checksum(block).toString(8).padStart(6, '0')}\0 `)
  return block
}

/** A long path is split at a slash so that its end fits into the name and its beginning into the prefix. */
function splitPath(path: string): { name: string; prefix: string } {
  const size = (text: string): number => Buffer.byteLength(text)
  if (size(path) <= nameLength) return { name: path, prefix: '' }
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (size(name) <= nameLength && size(prefix) <= prefixLength) return { name, prefix }
  }
  throw new QuorateError('NOT_IN_TABLE', `the path is too long for an archive: ${path}`, { where: path })
}

/** Sum of the header's bytes, with its own field counted as blanks. */
function checksum(block: Buffer): number {
  const [start, length] = field.checksum
  return block.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0)
}

/** The files of an archive made by `writeArchive`; INVALID_REQUEST for anything else, including links and special files. */
export function readArchive(archive: Buffer): ArchivedFile[] {
  const files: ArchivedFile[] = []
  let at = 0
  for (;;) {
    const block = archive.subarray(at, at + blockSize)
    if (block.length < blockSize) throw damaged('it ends too early')
    if (block.every((byte) => byte === 0)) return files
    const { size, ...file } = readHeader(block)
    const bytes = archive.subarray(at + blockSize, at + blockSize + size)
    if (bytes.length < size) throw damaged(`${file.path} is cut short`)
    files.push({ ...file, bytes })
    at += blockSize + Math.ceil(size / blockSize) * blockSize
  }
}

function readHeader(block: Buffer): Omit<ArchivedFile, 'bytes'> & { size: number } {
  const text = (name: Field): string => {
    const [start, length] = field[name]
    return block.toString('utf8', start, start + length).split('\0', 1)[0] ?? ''
  }
  const octal = (name: Field): number => Number.parseInt(text(name).trim() || '0', 8)
  if (text('magic') !== 'ustar' || octal('checksum') !== checksum(block)) throw damaged('a header is not one of ustar')
  if (text('type') !== regularFile) throw damaged('it holds more than regular files')
  const path = text('prefix') === '' ? text('name') : `${text('prefix')}/${text('name')}`
  return { path, mode: octal('mode'), uid: octal('uid'), gid: octal('gid'), size: octal('size') }
}

function damaged(why: string): QuorateError {
  return new QuorateError('INVALID_REQUEST', `the archive cannot be read: ${why}`)
}
