import { catalogue } from '@quorate/shared/errors'

/** errno of the kernel (`ENOSPC`, `EACCES`): names the file and the reason, and no secret. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'syscall' in error && typeof error.syscall === 'string'
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'Its disk is full: on that node, `df -h` and `df -i` show which; make room, then run the command again.',
  EDQUOT: 'A quota of its disk is used up: on that node, `quota` shows which; make room, then run the command again.',
  EROFS:
    'Its file system is read-only, often after an error of the disk: on that node, `dmesg` says why; repair it, remount, then run the command again.',
  EIO: 'Its disk fails to read or write: on that node, `dmesg` and `smartctl -a` say more. Replace the disk before you continue with this node.',
}

/** The remedy for a system error. */
export const diskRemedy = ({ code = '' }: NodeJS.ErrnoException): string =>
  remedies[code] ?? catalogue.SYSTEM_REFUSED.remedy
