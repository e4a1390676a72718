import { QuorateError } from '@quorate/shared/errors'

/** What the system says of a file, in words, and what to type (errno(3)). */
const refusals: Readonly<Record<string, readonly [why: string, remedy: (path: string) => string]>> = {
  ENOSPC: ['its disk is full', (path) => `df -h ${path}; make room, or name another folder with --state.`],
  EDQUOT: ['its disk quota is used up', () => 'quota -s; make room, or name another folder with --state.'],
  EROFS: ['its file system is read-only', (path) => `findmnt -T ${path}; or name another folder with --state.`],
  EACCES: ['this user may not use it', (path) => `ls -ld ${path}; run it as who owns it, or name another --state.`],
  EPERM: ['this user may not use it', (path) => `ls -ld ${path}; lsattr -d ${path}; or name another --state.`],
  ENOTDIR: ['a part of its path is a file', (path) => `ls -ld ${path}; name a folder with --state.`],
  EISDIR: ['it is a folder', (path) => `ls -ld ${path}; a file is wanted there.`],
  EIO: ['its disk fails', () => 'dmesg | tail; then copy the state folder to another disk and name that with --state.'],
  EMFILE: ['too many files are open', () => 'ulimit -n 4096, in the shell that starts it.'],
}

/**
 * An error of the system over a file of ours as one that says what, where and what to type: a full disk is no defect. Undefined for any other.
 * `folder`: the state folder, which is meant where the system names no path.
 */
export function stateError(thrown: unknown, folder: string): QuorateError | undefined {
  const error = thrown as NodeJS.ErrnoException | undefined
  const known = refusals[error?.code ?? '']
  if (error === undefined || known === undefined || error.syscall === undefined || error.syscall === 'connect')
    return thrown instanceof Error && thrown.cause !== undefined ? stateError(thrown.cause, folder) : undefined
  const [why, remedy] = known
  const where = error.path ?? folder
  return new QuorateError('USAGE', `a file cannot be read or written: ${why} (${error.code})`, {
    where,
    cause: thrown,
    remedy: remedy(where),
  })
}
