import { QuorateError } from '@quorate/shared/errors'

/** A file of a backup's archive; `path` is relative. */
export interface OpenedFile {
  readonly path: string
  readonly bytes: Buffer
}

const block = 512

/** The files of a ustar archive (POSIX.1-1988, pax(1)) as agents write it: regular files only, no path that leaves its folder. */
export function openArchive(archive: Buffer): readonly OpenedFile[] {
  const files: OpenedFile[] = []
  for (let at = 0; ; ) {
    const header = archive.subarray(at, at + block)
    if (header.length < block) throw damaged('it ends too early')
    if (header.every((byte) => byte === 0)) return files
    const { path, size } = readHeader(header)
    const bytes = archive.subarray(at + block, at + block + size)
    if (bytes.length < size) throw damaged(`${path} is cut short`)
    files.push({ path, bytes })
    at += block + Math.ceil(size / block) * block
  }
}

function readHeader(header: Buffer): { path: string; size: number } {
  const text = (start: number, length: number) => header.toString('utf8', start, start + length).split('\0', 1)[0] ?? ''
  const octal = (start: number, length: number) => Number.parseInt(text(start, length).trim() || '0', 8)
  // The sum of the header's bytes, its own field counted as blanks.
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (text(257, 6) !== 'ustar' || octal(148, 8) !== sum) throw damaged('a header is not one of ustar')
  if (text(156, 1) !== '0') throw damaged('it holds more than regular files')
  const prefix = text(345, 155)
  const path = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`
  if (
    path === '' ||
    path.startsWith('/') ||
    path.split('/').some((part) => part === '..' || part === '.' || part === '')
  )
    throw damaged(`a path leaves its folder: ${JSON.stringify(path)}`)
  return { path, size: octal(124, 12) }
}

const damaged = (why: string): QuorateError => new QuorateError('BACKUP_DAMAGED', `the archive cannot be read: ${why}`)
