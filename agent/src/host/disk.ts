import { chmod, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'

/**
 * The system calls that make something durable: for the agent's ledger and every file that it replaces. Separate, so that a
 * test can check their order and let each of them fail.
 */
export interface Disk {
  readonly open: typeof open
  readonly rename: typeof rename
  readonly unlink: typeof unlink
  readonly mkdir: typeof mkdir
  readonly chmod: typeof chmod
  readonly lstat: typeof lstat
}

export const systemDisk: Disk = { open, rename, unlink, mkdir, chmod, lstat }
